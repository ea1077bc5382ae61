using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>
/// What the readers of clients' requests have in common: the OpenAI request that is being written, the first thing found wrong with the
/// client's own, and the first thing that OpenAI's form cannot say. After a fault the rest is read on to its end and thrown away.
/// </summary>
internal sealed class ClientRequestReader : IDisposable
{
    private readonly ArrayBufferWriter<byte> _output;

    public ClientRequestReader(int sizeHint)
    {
        _output = new ArrayBufferWriter<byte>(sizeHint + 512);
        Writer = new Utf8JsonWriter(_output, OpenAiJson.Writing);
    }

    /// <summary>Writes the OpenAI request.</summary>
    public Utf8JsonWriter Writer { get; }

    public GatewayError? Error { get; private set; }

    public string? NativeOnly { get; private set; }

    public bool ShowsReasoning { get; set; } = true;

    public bool NeedsTranslation { get; set; }

    public void Fail(string param, string message) => Error ??= GatewayError.InvalidValue(param, $"{param}: {message}");

    public void FailMissing(string param) =>
        Error ??= GatewayError.Invalid(ErrorCodes.MissingRequiredParameter, $"{param}: Field required", param);

    public void Refuse(GatewayError error) => Error ??= error;

    public void NeedsNative(string what) => NativeOnly ??= what;

    /// <summary>Copies a member as it is written if it is there and of the wanted kind.</summary>
    public void Copy(JsonElement parent, string name, string to, params ReadOnlySpan<JsonValueKind> kinds)
    {
        if (!parent.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return;
        }

        if (!kinds.Contains(value.ValueKind))
        {
            Fail(name, $"it must be {Describe(kinds[0])}.");
            return;
        }

        WriteRaw(to, value);
    }

    /// <summary>Copies a number that must be finite; <paramref name="isWhole"/>: an integer.</summary>
    public void CopyNumber(JsonElement parent, string name, string to, bool isWhole = false)
    {
        if (!parent.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return;
        }

        if (value.ValueKind != JsonValueKind.Number || (isWhole ? !value.TryGetInt64(out _) : !value.TryGetDouble(out var number) || !double.IsFinite(number)))
        {
            Fail(name, isWhole ? "it must be an integer." : "it must be a number.");
            return;
        }

        WriteRaw(to, value);
    }

    /// <summary>Copies stop sequences: an array of strings, or (where the client's form allows it) one string. An empty list is none.</summary>
    public void CopyStop(JsonElement? stop, string name, bool takesString)
    {
        if (stop is not { } value)
        {
            return;
        }

        var isText = takesString && value.ValueKind == JsonValueKind.String;
        if (!isText && (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(text => text.ValueKind != JsonValueKind.String)))
        {
            Fail(name, "it must be an array of strings.");
        }
        else if (isText || value.GetArrayLength() > 0)
        {
            WriteRaw("stop", value);
        }
    }

    public void WriteRaw(string name, JsonElement value)
    {
        Writer.WritePropertyName(name);
        WriteRaw(value);
    }

    public void WriteRaw(JsonElement value) => Writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);

    /// <summary>Writes a function call; arguments are JSON as text, as the client wrote it.</summary>
    public void WriteToolCall(string id, string name, JsonElement? arguments)
    {
        Writer.WriteStartObject();
        Writer.WriteString("id"u8, id);
        Writer.WriteString("type"u8, "function"u8);
        Writer.WriteStartObject("function"u8);
        Writer.WriteString("name"u8, name);
        if (arguments is { } known)
        {
            Writer.WriteString("arguments"u8, JsonMarshal.GetRawUtf8Value(known));
        }
        else
        {
            Writer.WriteString("arguments"u8, "{}"u8);
        }

        Writer.WriteEndObject();
        Writer.WriteEndObject();
    }

    public void WriteTextPart(string text)
    {
        Writer.WriteStartObject();
        Writer.WriteString("type"u8, "text"u8);
        Writer.WriteString("text"u8, text);
        Writer.WriteEndObject();
    }

    public void WriteImagePart(string url)
    {
        Writer.WriteStartObject();
        Writer.WriteString("type"u8, "image_url"u8);
        Writer.WriteStartObject("image_url"u8);
        Writer.WriteString("url"u8, url);
        Writer.WriteEndObject();
        Writer.WriteEndObject();
    }

    public void WriteMessage(string role, string text)
    {
        Writer.WriteStartObject();
        Writer.WriteString("role"u8, role);
        Writer.WriteString("content"u8, text);
        Writer.WriteEndObject();
    }

    /// <summary>Asks for a JSON answer of this schema.</summary>
    public void WriteSchemaFormat(JsonElement schema)
    {
        Writer.WriteStartObject("response_format"u8);
        Writer.WriteString("type"u8, "json_schema"u8);
        Writer.WriteStartObject("json_schema"u8);
        Writer.WriteString("name"u8, "answer"u8);
        WriteRaw("schema", schema);
        Writer.WriteEndObject();
        Writer.WriteEndObject();
    }

    /// <summary>Writes whether to stream; a stream always tells its usage, which the client's own form always has.</summary>
    public void WriteStreaming(bool isStreaming)
    {
        if (isStreaming)
        {
            Writer.WriteBoolean("stream"u8, true);
            Writer.WriteStartObject("stream_options"u8);
            Writer.WriteBoolean("include_usage"u8, true);
            Writer.WriteEndObject();
        }
    }

    public ClientCall Finish()
    {
        if (Error is { } error)
        {
            return ClientCall.Refuse(error);
        }

        Writer.Flush();
        return ClientCall.Ask(_output.WrittenMemory) with { ShowsReasoning = ShowsReasoning, NativeOnly = NativeOnly, NeedsTranslation = NeedsTranslation };
    }

    public void Dispose() => Writer.Dispose();

    public static string At(string list, int index) => string.Create(CultureInfo.InvariantCulture, $"{list}.{index}");

    private static string Describe(JsonValueKind kind) => kind switch
    {
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        JsonValueKind.Array => "an array",
        _ => "an object",
    };
}
