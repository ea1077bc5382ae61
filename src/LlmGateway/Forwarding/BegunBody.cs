using System.Text.Json;
using LlmGateway.Limits;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Forwarding;

/// <summary>
/// The beginning of a body that is passed on, read ahead for what it tells of the call: its model and its limit of output. Asked for only
/// where a key's tokens, money or models depend on it; the rest goes by unread as ever.
/// </summary>
internal sealed class BegunBody
{
    private const int MostBytes = 64 * 1024;

    private byte[] _bytes = [];
    private bool _isWhole;
    private int _models;
    private long? _outputLimit;

    /// <summary>The model that it names; null: none, or further behind.</summary>
    public string? Model { get; private set; }

    /// <summary>The model that it names for whoever may read it: once, in a JSON object that was read to its end; null: none such.</summary>
    public string? SoleModel { get; private set; }

    public bool IsEmpty => _bytes.Length == 0;

    /// <summary>Whether a model may be named behind what was read.</summary>
    public bool IsOpen => Model is null && !_isWhole;

    /// <summary>Reads ahead; whoever reads the request's body after it gets all of it.</summary>
    public static async ValueTask<BegunBody> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var buffer = new byte[(int)Math.Min(request.ContentLength ?? MostBytes, MostBytes)];
        var length = await request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        var begun = new BegunBody { _bytes = buffer[..length], _isWhole = length < MostBytes };
        request.Body = new RestoredStream(begun._bytes, request.Body);
        begun.Scan();
        return begun;
    }

    /// <summary>What the call may use at most; nothing where it names no model.</summary>
    /// <param name="length">Of the whole body, where it is announced.</param>
    public TokenUsage Estimate(long? length) => Model is null && !IsOpen
        ? default
        : new(_isWhole ? TokenEstimate.OfPrompt(_bytes) : TokenEstimate.OfText(length ?? _bytes.Length), Math.Clamp(_outputLimit ?? CallEstimate.UsualOutput, 0, CallEstimate.MostOutput), IsEstimated: true);

    private void Scan()
    {
        var json = _bytes.AsSpan();
        json = json.StartsWith("\uFEFF"u8) ? json[3..] : json;
        if (json.TrimStart(" \t\r\n"u8) is not [(byte)'{', ..])
        {
            // No JSON object: a file, or a form.
            _isWhole = true;
            return;
        }

        var reader = new Utf8JsonReader(json, isFinalBlock: false, default);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.EndObject && reader.CurrentDepth == 0)
                {
                    _isWhole = true;
                    SoleModel = _models == 1 ? Model : null;
                    return;
                }

                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1 && !ReadMember(ref reader))
                {
                    return;
                }
            }
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            // The provider will say what it makes of it.
            _isWhole = false;
        }
    }

    private bool ReadMember(ref Utf8JsonReader reader)
    {
        var isModel = reader.ValueTextEquals("model"u8);

        // Some servers read names without regard to case, and of two members of one name some read the first.
        _models += isModel || "model".Equals(reader.GetString(), StringComparison.OrdinalIgnoreCase) ? 1 : 0;
        var isLimit = reader.ValueTextEquals("max_output_tokens"u8) || reader.ValueTextEquals("max_completion_tokens"u8) || reader.ValueTextEquals("max_tokens"u8);
        if (!reader.Read())
        {
            return false;
        }

        if (isModel && reader.TokenType == JsonTokenType.String)
        {
            Model = reader.GetString();
        }
        else if (isLimit && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var limit))
        {
            _outputLimit = limit;
        }

        return reader.TrySkip();
    }

    /// <summary>What was read ahead, and then the rest.</summary>
    private sealed class RestoredStream(ReadOnlyMemory<byte> begun, Stream rest) : ReadOnlyStream
    {
        private ReadOnlyMemory<byte> _begun = begun;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_begun.IsEmpty)
            {
                return rest.ReadAsync(buffer, cancellationToken);
            }

            var count = Math.Min(buffer.Length, _begun.Length);
            _begun[..count].CopyTo(buffer);
            _begun = _begun[count..];
            return new(count);
        }
    }
}
