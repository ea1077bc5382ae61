using System.Text.Json;
using LlmGateway.Model;

namespace LlmGateway.Api;

/// <content>Embeddings and legacy completions: requests whose text stands in one member, as strings or as token numbers.</content>
public ref partial struct RequestScanner
{
    private static readonly (string Name, byte[] Utf8)[] EmbeddingMembers = MembersOf("model", "input", "encoding_format", "dimensions", "user");

    private static readonly (string Name, byte[] Utf8)[] CompletionMembers = MembersOf(
        "model", "prompt", "stream", "stream_options", "temperature", "top_p", "max_tokens", "stop", "seed", "n", "best_of", "logprobs",
        "echo", "suffix", "user", "frequency_penalty", "presence_penalty");

    private ScannedRequest? ScanEmbeddings()
    {
        if (!OpenObject(out var membersStart))
        {
            return null;
        }

        string? model = null;
        JsonRange modelValue = default, input = default;
        var (kind, count) = (InputKind.None, 0);
        var wantsBase64 = false;
        int? dimensions = null;
        List<KeyValuePair<string, JsonRange>>? nulls = null;
        while (NextMember(EmbeddingMembers, ref nulls, out var member, out _, out var start))
        {
            switch (member)
            {
                case "model":
                    model = ReadModel(start, ref modelValue);
                    break;
                case "input":
                    (kind, count) = ScanInput(member, allowsEmptyText: false);
                    input = ValueFrom(start);
                    break;
                case "encoding_format":
                    wantsBase64 = ReadEncoding();
                    break;
                case "dimensions":
                    ExpectInteger(member, 1);
                    dimensions = _error is null && _reader.TryGetInt64(out var length) && length <= int.MaxValue ? (int)length : Refuse(member);
                    break;
                case "user":
                    ExpectText(member);
                    break;
                default:
                    Walk();
                    break;
            }
        }

        return CloseObject("input", !input.IsEmpty)
            ? new ScannedRequest
            {
                MembersStart = membersStart,
                Model = model,
                ModelValue = modelValue,
                InputValue = input,
                InputKind = kind,
                InputCount = count,
                WantsBase64 = wantsBase64,
                Dimensions = dimensions,
                NullMembers = nulls ?? (IReadOnlyList<KeyValuePair<string, JsonRange>>)[],
            }
            : null;
    }

    private ScannedRequest? ScanCompletion()
    {
        if (!OpenObject(out var membersStart))
        {
            return null;
        }

        string? model = null;
        JsonRange modelValue = default, prompt = default, streamOptions = default, includeUsageValue = default;
        var (kind, count) = (InputKind.None, 0);
        var (isStreaming, streamOptionsStart) = (false, 0);
        bool? includeUsage = null;
        var fields = RequestFields.None;
        List<KeyValuePair<string, JsonRange>>? nulls = null;
        while (NextMember(CompletionMembers, ref nulls, out var member, out var nameStart, out var start))
        {
            switch (member)
            {
                case "model":
                    model = ReadModel(start, ref modelValue);
                    break;
                case "prompt":
                    (kind, count) = ScanInput(member, allowsEmptyText: true);
                    prompt = ValueFrom(start);
                    break;
                case "stream":
                    isStreaming = ReadBoolean(member);
                    break;
                case "stream_options":
                    ScanStreamOptions(ref includeUsage, ref includeUsageValue);
                    (streamOptions, streamOptionsStart) = (ValueFrom(start), nameStart);
                    fields |= RequestFields.StreamOptions;
                    break;
                case "temperature" or "top_p" or "frequency_penalty" or "presence_penalty":
                    fields |= member switch { "temperature" => RequestFields.Temperature, "top_p" => RequestFields.TopP, _ => 0 };
                    ExpectNumber(member);
                    break;
                case "max_tokens" or "n" or "best_of" or "seed" or "logprobs":
                    fields |= member switch { "max_tokens" => RequestFields.MaxTokens, "seed" => RequestFields.Seed, _ => 0 };
                    ExpectInteger(member, member switch { "seed" => long.MinValue, "n" or "best_of" => 1, _ => 0 });
                    break;
                case "stop":
                    fields |= RequestFields.Stop;
                    ScanStop();
                    break;
                case "echo":
                    ReadBoolean(member);
                    break;
                case "suffix" or "user":
                    ExpectText(member);
                    break;
                default:
                    Walk();
                    break;
            }
        }

        return CloseObject("prompt", !prompt.IsEmpty)
            ? new ScannedRequest
            {
                MembersStart = membersStart,
                Model = model,
                ModelValue = modelValue,
                InputValue = prompt,
                InputKind = kind,
                InputCount = count,
                IsStreaming = isStreaming,
                StreamOptionsValue = streamOptions,
                StreamOptionsStart = streamOptionsStart,
                IncludeUsage = includeUsage,
                IncludeUsageValue = includeUsageValue,
                OutputLimit = _outputLimit,
                Choices = Math.Max(1, _choices),
                Fields = fields,
                NullMembers = nulls ?? (IReadOnlyList<KeyValuePair<string, JsonRange>>)[],
            }
            : null;
    }

    private bool OpenObject(out int membersStart)
    {
        _reader.Read();
        membersStart = _reader.BytesConsumed;
        if (_reader.TokenType != JsonTokenType.StartObject)
        {
            Fail(ErrorCodes.InvalidJson, "The request body must be a JSON object.");
            return false;
        }

        _names.Enter();
        return true;
    }

    /// <summary>Goes on to the next member that is not null and leaves the reader on its value; false at the object's end, or after an error.</summary>
    private bool NextMember(
        (string Name, byte[] Utf8)[] known, ref List<KeyValuePair<string, JsonRange>>? nulls, out string? member, out int nameStart, out int start)
    {
        while (_error is null && _reader.Read() && _reader.TokenType != JsonTokenType.EndObject && TakeName())
        {
            member = MemberOf(known);
            nameStart = _reader.TokenStartIndex;
            _reader.Read();
            start = _reader.TokenStartIndex;
            if (_reader.TokenType != JsonTokenType.Null)
            {
                return true;
            }

            if (member is not null)
            {
                (nulls ??= []).Add(new(member, new JsonRange(start, 4)));
            }
        }

        (member, nameStart, start) = (null, 0, 0);
        return false;
    }

    private bool CloseObject(string required, bool hasRequired)
    {
        if (_error is not null)
        {
            return false;
        }

        // Whatever stands behind the object must be white space: the reader throws if it is not.
        _reader.Read();
        if (!hasRequired)
        {
            Fail(ErrorCodes.MissingRequiredParameter, $"Missing required parameter: '{required}'.", required);
        }

        return hasRequired;
    }

    private readonly JsonRange ValueFrom(int start) => new(start, _reader.BytesConsumed - start);

    private string? ReadModel(int start, ref JsonRange value)
    {
        if (!Expect(JsonTokenType.String, "model", "a string") || !CheckText())
        {
            return null;
        }

        value = ValueFrom(start);
        return _reader.GetString();
    }

    private bool ReadEncoding()
    {
        if (!Expect(JsonTokenType.String, "encoding_format", "a string") || !CheckText() || _reader.ValueTextEquals("float"u8))
        {
            return false;
        }

        if (!_reader.ValueTextEquals("base64"u8))
        {
            Fail(ErrorCodes.InvalidRequest, "Invalid value for 'encoding_format': expected 'float' or 'base64'.", "encoding_format");
        }

        return true;
    }

    private void ExpectText(string name)
    {
        if (Expect(JsonTokenType.String, name, "a string"))
        {
            CheckText();
        }
    }

    private int? Refuse(string name)
    {
        Fail(ErrorCodes.InvalidRequest, $"Invalid value for '{name}': the number is out of range.", name);
        return null;
    }

    /// <summary>Reads text, texts, tokens or lists of tokens; all elements of an array are of one kind.</summary>
    private (InputKind Kind, int Count) ScanInput(string name, bool allowsEmptyText)
    {
        if (_reader.TokenType == JsonTokenType.String)
        {
            CheckInputText(name, allowsEmptyText);
            return (InputKind.Text, 1);
        }

        if (_reader.TokenType != JsonTokenType.StartArray)
        {
            FailInput(name);
            return default;
        }

        var (kind, count) = (InputKind.None, 0);
        while (_error is null && _reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            var element = _reader.TokenType switch
            {
                JsonTokenType.String => InputKind.Texts,
                JsonTokenType.Number => InputKind.Tokens,
                JsonTokenType.StartArray => InputKind.TokenLists,
                _ => InputKind.None,
            };
            if (element == InputKind.None || (kind != InputKind.None && kind != element))
            {
                FailInput(name);
                break;
            }

            kind = element;
            count++;
            ScanElement(name, kind, allowsEmptyText);
        }

        if (_error is null && count == 0)
        {
            Fail(ErrorCodes.InvalidRequest, $"'{name}' must not be an empty array.", name);
        }

        return (kind, kind == InputKind.Tokens ? 1 : count);
    }

    private void ScanElement(string name, InputKind kind, bool allowsEmptyText)
    {
        switch (kind)
        {
            case InputKind.Texts:
                CheckInputText(name, allowsEmptyText);
                break;
            case InputKind.Tokens:
                ExpectInteger(name, 0);
                break;
            default:
                var tokens = 0;
                while (_error is null && _reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
                {
                    ExpectInteger(name, 0);
                    tokens++;
                }

                if (_error is null && tokens == 0)
                {
                    Fail(ErrorCodes.InvalidRequest, $"'{name}' must not hold an empty list of tokens.", name);
                }

                break;
        }
    }

    private void CheckInputText(string name, bool allowsEmptyText)
    {
        if (CheckText() && !allowsEmptyText && _reader.ValueSpan.IsEmpty)
        {
            Fail(ErrorCodes.InvalidRequest, $"'{name}' must not be an empty string.", name);
        }
    }

    private void FailInput(string name) =>
        Fail(ErrorCodes.InvalidRequest, $"Invalid type for '{name}': expected a string, an array of strings, or one or more lists of token numbers.", name);
}
