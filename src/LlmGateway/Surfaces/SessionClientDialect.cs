using System.Buffers;
using System.Text.Json;
using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>The session API: one message in, one answer out, and the gateway remembers what was said and runs the tools.</summary>
public sealed class SessionClientDialect : IClientDialect
{
    public const string MessageName = "session_message";
    public const string StreamName = "session_stream";

    private const double UsualTemperature = 0.7;
    private const int UsualMaxTokens = 1000;
    private const int MostTokens = 4000;

    private static readonly string[] Members = ["message", "session_id", "use_tools", "agent", "model", "temperature", "max_tokens"];

    private readonly TimeProvider _time;
    private readonly bool _isStream;

    private SessionClientDialect(TimeProvider time, bool isStream) => (_time, _isStream) = (time, isStream);

    public string Name => _isStream ? StreamName : MessageName;

    public string StreamType => "text/event-stream";

    /// <summary>The whole answer in one reply.</summary>
    public static SessionClientDialect Message(TimeProvider time) => new(time, isStream: false);

    /// <summary>The answer as events.</summary>
    public static SessionClientDialect Stream(TimeProvider time) => new(time, isStream: true);

    public ClientCall ReadRequest(ReadOnlyMemory<byte> body, GatewayConfig config, string? agent = null)
    {
        using var document = JsonDocument.Parse(body, OpenAiJson.Reading);
        var members = new BodyMembers(document.RootElement, Members);
        var message = members.Text("message", isRequired: true);
        var session = members.Text("session_id");
        var usesTools = members.Flag("use_tools", usual: true);
        var named = members.Text("agent");
        var model = members.Text("model");
        var temperature = members.Number("temperature", 0, 2);
        var maxTokens = members.Number("max_tokens", 1, MostTokens, isWhole: true);
        if (members.Error is { } error)
        {
            return ClientCall.Refuse(error);
        }

        if (session is not null && !RequestIds.IsWellFormed(session))
        {
            return ClientCall.Refuse(GatewayError.InvalidValue("session_id", "session_id must be 1 to 128 of A-Z, a-z, 0-9, '.', '_' and '-'."));
        }

        var profile = (named ?? agent) is { } name && config.Agents.TryGetValue(name, out var known) ? known : config.Default;
        var output = new ArrayBufferWriter<byte>(body.Length + 256);
        using (var writer = new Utf8JsonWriter(output, OpenAiJson.Writing))
        {
            writer.WriteStartObject();
            if (model is not null)
            {
                writer.WriteString("model"u8, model);
            }

            WriteMessage(writer, message!);
            WriteSampling(writer, profile.Target.Sampling, temperature, maxTokens);
            if (_isStream)
            {
                writer.WriteBoolean("stream"u8, true);
            }

            writer.WriteEndObject();
        }

        return ClientCall.Ask(output.WrittenMemory) with
        {
            Agent = named,
            Session = session is null ? SessionRef.New() : new SessionRef(session, SessionKind.Existing),
            Tools = usesTools ? [.. ToolNames.BuiltIn.Union(profile.Tools, StringComparer.Ordinal)] : [],
            ToolTrace = new ToolTrace(),
        };
    }

    public byte[]? WriteReply(ReadOnlyMemory<byte> completion, GatewayRequest request) => SessionReply.Write(completion, request, _time);

    public ClientStreamWriter CreateStreamWriter(GatewayRequest request) => new SessionEvents(request);

    public byte[] WriteError(GatewayError error, string requestId) => ErrorJson.Write(error);

    private static void WriteMessage(Utf8JsonWriter writer, string message)
    {
        writer.WriteStartArray("messages"u8);
        writer.WriteStartObject();
        writer.WriteString("role"u8, "user"u8);
        writer.WriteString("content"u8, message);
        writer.WriteEndObject();
        writer.WriteEndArray();
    }

    private static void WriteSampling(Utf8JsonWriter writer, SamplingDefaults sampling, JsonElement? temperature, JsonElement? maxTokens)
    {
        if (temperature is { } wanted)
        {
            writer.WritePropertyName("temperature"u8);
            wanted.WriteTo(writer);
        }
        else if (sampling.Temperature is null)
        {
            writer.WriteNumber("temperature"u8, UsualTemperature);
        }

        if (maxTokens is { } limit)
        {
            writer.WritePropertyName("max_tokens"u8);
            limit.WriteTo(writer);
        }
        else if (sampling.MaxTokens is null)
        {
            writer.WriteNumber("max_tokens"u8, UsualMaxTokens);
        }
    }
}
