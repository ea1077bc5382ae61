// One pass, one file: the steps share the reader, the names and the first error, and read best in the order of the body.
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using LlmGateway.Model;

namespace LlmGateway.Api;

/// <summary>
/// Reads a request once, front to back, and notes the few members that the gateway acts on with their byte offsets. What no parser
/// behind it may see differently is refused here: invalid UTF-8, lone surrogates, duplicate members at any depth, nesting beyond 64.
/// </summary>
public ref partial struct RequestScanner
{
    /// <summary>JSON nested deeper is refused by every parser of the gateway.</summary>
    public const int MaxDepth = 64;

    private static readonly (string Name, byte[] Utf8)[] ChatMembers = MembersOf(
        "model", "messages", "stream", "stream_options", "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed",
        "n", "reasoning_effort", "response_format", "tools", "functions", "frequency_penalty", "presence_penalty");

    private readonly ReadOnlySpan<byte> _body;
    private readonly DuplicateNames _names;
    private JsonTokenReader _reader;
    private JsonRange _lastUserContent;
    private long? _outputLimit;
    private long _choices;
    private int _images;
    private int _definitionBytes;
    private GatewayError? _error;

    private RequestScanner(ReadOnlySpan<byte> body)
    {
        _body = body;
        _names = new DuplicateNames();
        _reader = new JsonTokenReader(body, MaxDepth);
    }

    /// <summary>Scans a chat request; exactly one of the results is set.</summary>
    public static (ScannedRequest? Request, GatewayError? Error) ScanChat(ReadOnlySpan<byte> body) => Scan(Operation.ChatCompletions, body);

    /// <summary>Scans the body of an operation; exactly one of the results is set.</summary>
    public static (ScannedRequest? Request, GatewayError? Error) Scan(Operation operation, ReadOnlySpan<byte> body)
    {
        if (!Utf8.IsValid(body))
        {
            return (null, GatewayError.Invalid(ErrorCodes.InvalidJson, "The request body is not valid UTF-8."));
        }

        var scanner = new RequestScanner(body);
        try
        {
            var request = operation switch
            {
                Operation.Embeddings => scanner.ScanEmbeddings(),
                Operation.Completions => scanner.ScanCompletion(),
                _ => scanner.Scan(),
            };
            return scanner._error is null ? (request, null) : (null, scanner._error);
        }
        catch (JsonException exception)
        {
            return (null, GatewayError.Invalid(ErrorCodes.InvalidJson, Describe(exception, body)));
        }
    }

    /// <summary>Checks a JSON object of another form as strictly as <see cref="ScanChat"/> does; its members mean nothing here.</summary>
    public static GatewayError? CheckObject(ReadOnlySpan<byte> body)
    {
        if (!Utf8.IsValid(body))
        {
            return GatewayError.Invalid(ErrorCodes.InvalidJson, "The request body is not valid UTF-8.");
        }

        var scanner = new RequestScanner(body);
        try
        {
            scanner._reader.Read();
            if (scanner._reader.TokenType != JsonTokenType.StartObject)
            {
                return GatewayError.Invalid(ErrorCodes.InvalidJson, "The request body must be a JSON object.");
            }

            scanner.Walk();
            if (scanner._error is null)
            {
                // Whatever stands behind the object must be white space: the reader throws if it is not.
                scanner._reader.Read();
            }

            return scanner._error;
        }
        catch (JsonException exception)
        {
            return GatewayError.Invalid(ErrorCodes.InvalidJson, Describe(exception, body));
        }
    }

    private static (string Name, byte[] Utf8)[] MembersOf(params string[] names) => [.. names.Select(name => (name, Encoding.UTF8.GetBytes(name)))];

    private static string Describe(JsonException exception, ReadOnlySpan<byte> body)
    {
        if (body.Trim(" \t\r\n"u8).IsEmpty)
        {
            return "The request body is empty. Send a JSON object.";
        }

        var line = exception.LineNumber.GetValueOrDefault() + 1;
        var position = exception.BytePositionInLine.GetValueOrDefault() + 1;
        return exception.Message.Contains("depth", StringComparison.OrdinalIgnoreCase)
            ? $"The request body is nested deeper than {MaxDepth} levels (line {line}, byte {position})."
            : $"The request body is not valid JSON (line {line}, byte {position}).";
    }

    private ScannedRequest? Scan()
    {
        _reader.Read();
        if (_reader.TokenType != JsonTokenType.StartObject)
        {
            return Fail(ErrorCodes.InvalidJson, "The request body must be a JSON object.");
        }

        string? model = null;
        JsonRange modelValue = default, streamOptions = default, includeUsageValue = default, messages = default, reasoningEffort = default;
        bool isStreaming = false, wantsJson = false, wantsJsonSchema = false, hasTools = false, givesTools = false, givesFunctions = false;
        bool? includeUsage = null;
        var streamOptionsStart = 0;
        var fields = RequestFields.None;
        List<KeyValuePair<string, JsonRange>>? nulls = null;
        var membersStart = _reader.BytesConsumed;

        _names.Enter();
        while (_error is null && _reader.Read() && _reader.TokenType != JsonTokenType.EndObject)
        {
            if (!TakeName())
            {
                return null;
            }

            var member = MemberOf(ChatMembers);
            var nameStart = _reader.TokenStartIndex;
            _reader.Read();
            var start = _reader.TokenStartIndex;
            if (_reader.TokenType == JsonTokenType.Null)
            {
                if (member is not null)
                {
                    (nulls ??= []).Add(new(member, new JsonRange(start, 4)));
                }

                continue;
            }

            switch (member)
            {
                case "model":
                    if (Expect(JsonTokenType.String, member, "a string"))
                    {
                        modelValue = new JsonRange(start, _reader.BytesConsumed - start);
                        model = CheckText() ? _reader.GetString() : null;
                    }

                    break;
                case "messages":
                    ScanMessages();
                    messages = new JsonRange(start, _reader.BytesConsumed - start);
                    break;
                case "stream":
                    isStreaming = ReadBoolean(member);
                    break;
                case "stream_options":
                    ScanStreamOptions(ref includeUsage, ref includeUsageValue);
                    streamOptions = new JsonRange(start, _reader.BytesConsumed - start);
                    streamOptionsStart = nameStart;
                    fields |= RequestFields.StreamOptions;
                    break;
                case "response_format":
                    ScanResponseFormat(ref wantsJson, ref wantsJsonSchema);
                    _definitionBytes += wantsJsonSchema ? _reader.BytesConsumed - start : 0;
                    fields |= RequestFields.ResponseFormat;
                    break;
                case "tools" or "functions":
                    if (Expect(JsonTokenType.StartArray, member, "an array"))
                    {
                        Walk();
                        hasTools |= _reader.BytesConsumed - start > 2;
                        _definitionBytes += _reader.BytesConsumed - start;
                        fields |= RequestFields.Tools;
                        givesTools |= member == "tools";
                        givesFunctions |= member == "functions";
                    }

                    break;
                case "temperature" or "top_p" or "frequency_penalty" or "presence_penalty":
                    fields |= member switch { "temperature" => RequestFields.Temperature, "top_p" => RequestFields.TopP, _ => 0 };
                    ExpectNumber(member);
                    break;
                case "max_tokens" or "max_completion_tokens" or "n" or "seed":
                    fields |= member switch
                    {
                        "max_tokens" => RequestFields.MaxTokens,
                        "max_completion_tokens" => RequestFields.MaxCompletionTokens,
                        "seed" => RequestFields.Seed,
                        _ => 0,
                    };
                    ExpectInteger(member, member == "seed" ? long.MinValue : 1);
                    fields |= member == "n" && _reader.TryGetInt64(out var choices) && choices > 1 ? RequestFields.SeveralChoices : 0;
                    break;
                case "stop":
                    fields |= RequestFields.Stop;
                    ScanStop();
                    break;
                case "reasoning_effort":
                    fields |= RequestFields.ReasoningEffort;
                    if (Expect(JsonTokenType.String, member, "a string"))
                    {
                        CheckText();
                        reasoningEffort = new JsonRange(nameStart, (int)_reader.BytesConsumed - nameStart);
                    }

                    break;
                default:
                    Walk();
                    break;
            }
        }

        if (_error is not null)
        {
            return null;
        }

        // Whatever stands behind the object must be white space: the reader throws if it is not.
        _reader.Read();
        if (messages.IsEmpty)
        {
            return Fail(ErrorCodes.MissingRequiredParameter, "Missing required parameter: 'messages'.", "messages");
        }

        return new ScannedRequest
        {
            MembersStart = membersStart,
            Model = model,
            ModelValue = modelValue,
            IsStreaming = isStreaming,
            StreamOptionsValue = streamOptions,
            StreamOptionsStart = streamOptionsStart,
            IncludeUsage = includeUsage,
            IncludeUsageValue = includeUsageValue,
            ReasoningEffortMember = reasoningEffort,
            MessagesValue = messages,
            LastUserContent = _lastUserContent,
            OutputLimit = _outputLimit,
            Choices = Math.Max(1, _choices),
            Fields = fields,
            NullMembers = nulls ?? (IReadOnlyList<KeyValuePair<string, JsonRange>>)[],
            HasTools = hasTools,
            UsesFunctions = givesFunctions && !givesTools,
            ImageCount = _images,
            DefinitionBytes = _definitionBytes,
            WantsJson = wantsJson,
            WantsJsonSchema = wantsJsonSchema,
        };
    }

    /// <summary>The member's name if the gateway acts on it; null for all others, which are only walked over.</summary>
    private readonly string? MemberOf((string Name, byte[] Utf8)[] known)
    {
        var first = _reader.FirstLetter;
        foreach (var (name, utf8) in known)
        {
            if (utf8[0] == first && _reader.ValueTextEquals(utf8))
            {
                return name;
            }
        }

        return null;
    }

    private void ScanMessages()
    {
        if (!Expect(JsonTokenType.StartArray, "messages", "an array"))
        {
            return;
        }

        var index = 0;
        while (_error is null && _reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            if (_reader.TokenType != JsonTokenType.StartObject)
            {
                Fail(ErrorCodes.InvalidRequest, $"Invalid type for 'messages[{index}]': expected an object.", $"messages[{index}]");
                return;
            }

            ScanMessage(index++);
        }

        if (_error is null && index == 0)
        {
            Fail(ErrorCodes.InvalidRequest, "'messages' must hold at least one message.", "messages");
        }
    }

    private void ScanMessage(int index)
    {
        bool hasRole = false, isUser = false;
        JsonRange content = default;
        _names.Enter();
        while (_error is null && _reader.Read() && _reader.TokenType != JsonTokenType.EndObject)
        {
            if (!TakeName())
            {
                return;
            }

            var isRole = _reader.ValueTextEquals("role"u8);
            var isContent = !isRole && _reader.ValueTextEquals("content"u8);
            _reader.Read();
            if (isRole)
            {
                if (_reader.TokenType != JsonTokenType.String)
                {
                    Fail(ErrorCodes.InvalidRequest, $"Invalid type for 'messages[{index}].role': expected a string.", $"messages[{index}].role");
                    return;
                }

                // Checked before it is compared: half of a surrogate pair makes the comparison throw.
                hasRole = true;
                isUser = CheckText() && _reader.ValueTextEquals("user"u8);
            }
            else if (isContent)
            {
                if (_reader.TokenType is not (JsonTokenType.String or JsonTokenType.StartArray or JsonTokenType.Null))
                {
                    Fail(ErrorCodes.InvalidRequest, $"Invalid type for 'messages[{index}].content': expected a string or an array of parts.", $"messages[{index}].content");
                    return;
                }

                var start = _reader.TokenStartIndex;
                Walk(watchesImages: true);
                content = new JsonRange(start, _reader.BytesConsumed - start);
            }
            else
            {
                Walk();
            }
        }

        _names.Leave();
        if (_error is null && !hasRole)
        {
            Fail(ErrorCodes.MissingRequiredParameter, $"Missing required parameter: 'messages[{index}].role'.", $"messages[{index}].role");
        }

        if (isUser)
        {
            _lastUserContent = content;
        }
    }

    private void ScanStreamOptions(ref bool? includeUsage, ref JsonRange includeUsageValue)
    {
        if (!Expect(JsonTokenType.StartObject, "stream_options", "an object"))
        {
            return;
        }

        _names.Enter();
        while (_error is null && _reader.Read() && _reader.TokenType != JsonTokenType.EndObject)
        {
            if (!TakeName())
            {
                return;
            }

            var isIncludeUsage = _reader.ValueTextEquals("include_usage"u8);
            _reader.Read();
            if (isIncludeUsage)
            {
                var start = _reader.TokenStartIndex;
                includeUsage = _reader.TokenType == JsonTokenType.Null ? null : ReadBoolean("stream_options.include_usage");
                includeUsageValue = new JsonRange(start, _reader.BytesConsumed - start);
            }
            else
            {
                Walk();
            }
        }

        _names.Leave();
    }

    private void ScanResponseFormat(ref bool wantsJson, ref bool wantsJsonSchema)
    {
        if (!Expect(JsonTokenType.StartObject, "response_format", "an object"))
        {
            return;
        }

        _names.Enter();
        while (_error is null && _reader.Read() && _reader.TokenType != JsonTokenType.EndObject)
        {
            if (!TakeName())
            {
                return;
            }

            var isType = _reader.ValueTextEquals("type"u8);
            _reader.Read();
            if (isType && _reader.TokenType == JsonTokenType.String && CheckText())
            {
                wantsJsonSchema = _reader.ValueTextEquals("json_schema"u8);
                wantsJson = wantsJsonSchema || _reader.ValueTextEquals("json_object"u8);
            }

            Walk();
        }

        _names.Leave();
    }

    private void ScanStop()
    {
        if (_reader.TokenType == JsonTokenType.String)
        {
            CheckText();
            return;
        }

        if (!Expect(JsonTokenType.StartArray, "stop", "a string or an array of strings"))
        {
            return;
        }

        while (_error is null && _reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            if (Expect(JsonTokenType.String, "stop", "a string or an array of strings"))
            {
                CheckText();
            }
        }
    }

    /// <summary>Walks over one value, down to its last leaf, and leaves the reader on its last token.</summary>
    private void Walk(bool watchesImages = false)
    {
        var depth = 0;
        do
        {
            switch (_reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    _names.Enter();
                    depth++;
                    break;
                case JsonTokenType.StartArray:
                    depth++;
                    break;
                case JsonTokenType.EndObject:
                    _names.Leave();
                    depth--;
                    break;
                case JsonTokenType.EndArray:
                    depth--;
                    break;
                case JsonTokenType.PropertyName:
                    if (!TakeName())
                    {
                        return;
                    }

                    _images += watchesImages && depth == 2 && _reader.ValueTextEquals("image_url"u8) ? 1 : 0;
                    break;
                case JsonTokenType.String:
                    if (!CheckText())
                    {
                        return;
                    }

                    break;
            }
        }
        while (depth > 0 && _reader.Read());
    }

    /// <summary>Notes the member's name; a second one of the same name is refused, since two readers could disagree about which counts.</summary>
    private bool TakeName()
    {
        if (!CheckText())
        {
            return false;
        }

        if (_names.TryAdd(_body, _reader.TokenStartIndex + 1, _reader.ValueSpan.Length, _reader.ValueIsEscaped))
        {
            return true;
        }

        var name = ShortName.Of(_reader.GetString()!);
        Fail(ErrorCodes.InvalidJson, $"Duplicate member '{name}' in the request body.", name);
        return false;
    }

    /// <summary>Refuses escapes that are no text: half of a surrogate pair.</summary>
    private bool CheckText()
    {
        if (!_reader.HasLoneSurrogate)
        {
            return true;
        }

        Fail(ErrorCodes.InvalidJson, $"The request body holds half of a surrogate pair (byte {_reader.TokenStartIndex}).");
        return false;
    }

    private bool ReadBoolean(string name)
    {
        if (_reader.TokenType is JsonTokenType.True or JsonTokenType.False)
        {
            return _reader.TokenType == JsonTokenType.True;
        }

        Fail(ErrorCodes.InvalidRequest, $"Invalid type for '{name}': expected a boolean.", name);
        return false;
    }

    private void ExpectNumber(string name)
    {
        if (Expect(JsonTokenType.Number, name, "a number") && !(_reader.TryGetDouble(out var number) && double.IsFinite(number)))
        {
            Fail(ErrorCodes.InvalidRequest, $"Invalid value for '{name}': the number is out of range.", name);
        }
    }

    private void ExpectInteger(string name, long least)
    {
        if (!Expect(JsonTokenType.Number, name, "an integer"))
        {
            return;
        }

        if (_reader.TryGetInt64(out var number) && number >= least)
        {
            switch (name)
            {
                case "max_tokens" or "max_completion_tokens":
                    _outputLimit = Math.Max(_outputLimit ?? 0, number);
                    break;
                case "n" or "best_of":
                    _choices = Math.Max(_choices, number);
                    break;
            }
        }
        else
        {
            Fail(ErrorCodes.InvalidRequest, $"Invalid value for '{name}': expected an integer{(least == 1 ? " of at least 1" : "")}.", name);
        }
    }

    private bool Expect(JsonTokenType type, string name, string expected)
    {
        if (_reader.TokenType == type)
        {
            return true;
        }

        Fail(ErrorCodes.InvalidRequest, $"Invalid type for '{name}': expected {expected}.", name);
        return false;
    }

    private ScannedRequest? Fail(string code, string message, string? param = null)
    {
        _error ??= GatewayError.Invalid(code, message, param);
        return null;
    }
}
