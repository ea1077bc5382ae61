using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlmGateway.Providers.Wire;

/// <summary>Puts a stream of OpenAI's chunks together to the whole completion that was asked for, for providers that stream in any case.</summary>
internal sealed class ChunksToCompletion
{
    private static readonly string[] Texts = ["content", "refusal", "reasoning_content", "reasoning", "arguments", "text"];

    private readonly JsonObject _completion = [];
    private readonly SortedDictionary<int, JsonObject> _choices = [];
    private readonly Dictionary<(JsonObject Parent, string Name), StringBuilder> _texts = [];
    private JsonNode? _usage;

    private ChunksToCompletion()
    {
    }

    /// <summary>Whether an answer is a stream of events, which no JSON looks like.</summary>
    public static bool IsStream(ReadOnlySpan<byte> answer)
    {
        var start = (answer.StartsWith("\uFEFF"u8) ? answer[3..] : answer).TrimStart(" \t\r\n"u8);
        return start.StartsWith("data:"u8) || start.StartsWith("event:"u8) || start.StartsWith(":"u8) || start.StartsWith("id:"u8);
    }

    /// <summary>The completion, or the error that a provider has sent in its place; null where the stream is none or breaks off before every choice is finished.</summary>
    public static byte[]? TryPut(ReadOnlySpan<byte> stream)
    {
        try
        {
            var whole = new ChunksToCompletion();
            var framer = new SseFramer();
            while (framer.TryRead(stream, isFinal: true, out var next, out var consumed))
            {
                if (!next.Data.IsEmpty && !next.Data.StartsWith("[DONE]"u8) && whole.Add(next.Data) is { } error)
                {
                    return error;
                }

                stream = stream[consumed..];
            }

            return whole.Finish();
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    /// <summary>The chunk itself, if it tells of an error.</summary>
    private byte[]? Add(ReadOnlySpan<byte> data)
    {
        if (JsonNode.Parse(data, documentOptions: OpenAiJson.Reading) is not JsonObject chunk)
        {
            throw new JsonException("A chunk is no object.");
        }

        if (chunk["error"] is not null)
        {
            return data.ToArray();
        }

        foreach (var (name, value) in chunk)
        {
            switch (name)
            {
                case "usage":
                    _usage = value ?? _usage;
                    break;
                case "choices":
                    foreach (var choice in (value as JsonArray ?? []).OfType<JsonObject>())
                    {
                        Add(choice);
                    }

                    break;
                default:
                    if (string.IsNullOrEmpty(_completion[name]?.ToString()))
                    {
                        _completion[name] = value?.DeepClone();
                    }

                    break;
            }
        }

        return null;
    }

    private void Add(JsonObject part)
    {
        var index = part["index"]?.GetValue<int>() ?? 0;
        if (!_choices.TryGetValue(index, out var choice))
        {
            _choices[index] = choice = new JsonObject { ["index"] = index };
        }

        foreach (var (name, value) in part)
        {
            Merge(choice, name == "delta" ? "message" : name, value);
        }
    }

    private void Merge(JsonObject into, string name, JsonNode? value)
    {
        switch (value, into[name])
        {
            case (null, _):
                into.TryAdd(name, null);
                break;
            case (JsonValue text, _) when Texts.Contains(name) && text.GetValueKind() == JsonValueKind.String:
                var builder = _texts.TryGetValue((into, name), out var begun) ? begun : _texts[(into, name)] = new StringBuilder();
                builder.Append(text.GetValue<string>());
                into[name] = "";
                break;
            case (JsonObject parts, JsonObject known):
                MergeAll(known, parts);
                break;
            case (JsonObject parts, _):
                var made = new JsonObject();
                into[name] = made;
                MergeAll(made, parts);
                break;
            case (JsonArray items, var known):
                MergeAll(into, name, known as JsonArray, items);
                break;
            default:
                into[name] = value.DeepClone();
                break;
        }
    }

    private void MergeAll(JsonObject into, JsonObject parts)
    {
        foreach (var (name, value) in parts)
        {
            Merge(into, name, value);
        }
    }

    /// <summary>Calls of tools come in pieces that tell which one they belong to; all other lists go on where they ended.</summary>
    private void MergeAll(JsonObject parent, string name, JsonArray? into, JsonArray items)
    {
        if (into is null)
        {
            parent[name] = into = [];
        }

        foreach (var item in items)
        {
            if (name != "tool_calls" || item is not JsonObject piece)
            {
                into.Add(item?.DeepClone());
                continue;
            }

            var index = piece["index"]?.GetValue<int>() ?? into.Count;
            var call = into.OfType<JsonObject>().FirstOrDefault(known => known["index"]?.GetValue<int>() == index);
            if (call is null)
            {
                into.Add(call = new JsonObject { ["index"] = index });
            }

            MergeAll(call, piece);
        }
    }

    private byte[]? Finish()
    {
        foreach (var ((parent, name), text) in _texts)
        {
            parent[name] = text.ToString();
        }

        if (_choices.Count == 0 || _choices.Values.Any(choice => choice["finish_reason"] is null))
        {
            return null;
        }

        foreach (var choice in _choices.Values)
        {
            Complete(choice);
        }

        if (!_choices.Values.Any(choice => choice.ContainsKey("text")))
        {
            _completion["object"] = "chat.completion";
        }

        _completion["choices"] = new JsonArray([.. _choices.Values]);
        if (_usage is not null)
        {
            _completion["usage"] = _usage.DeepClone();
        }

        return Encoding.UTF8.GetBytes(_completion.ToJsonString());
    }

    private static void Complete(JsonObject choice)
    {
        choice.TryAdd("logprobs", null);
        if (choice["message"] is not JsonObject message)
        {
            return;
        }

        message.TryAdd("role", "assistant");
        message.TryAdd("content", null);
        message.TryAdd("refusal", null);
        foreach (var call in (message["tool_calls"] as JsonArray ?? []).OfType<JsonObject>())
        {
            call.Remove("index");
            call.TryAdd("type", "function");
        }
    }
}
