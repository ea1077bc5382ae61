using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// DeepSeek's thinking models answer 400 when the reasoning that led to a tool call does not come back with it. Clients drop it, so it is kept
/// by tool-call id; an answer that brought none (a model that does not think) gets none back, which the older models refuse.
/// </summary>
internal sealed class DeepSeekFlavor(ToolCallStates? states) : OpenAiFlavor
{
    public override string Name => "deepseek";

    public override bool IsAt(Uri baseUrl) => IsUnder(baseUrl, "deepseek.com");

    public override void EditRequest(JsonEdits body, GatewayRequest request, ProviderTarget target)
    {
        foreach (var message in JsonEdits.Objects(body.Root.Find("messages"u8)))
        {
            OpenAiRoles.ReplaceDeveloper(body, message);
            if (message.TryGetProperty("reasoning_content"u8, out _))
            {
                continue;
            }

            foreach (var call in JsonEdits.Objects(message.Find("tool_calls"u8)))
            {
                if (call.FindText("id"u8) is { } id && states?.TryGet(request.Key.Name, target.Provider.Name, id, out var reasoning) == true)
                {
                    body.Add(message, "reasoning_content", reasoning.Span);
                    break;
                }
            }
        }
    }

    public override OpenAiAnswerEditor CreateEditor(GatewayRequest request, ProviderTarget target) => new Editor(states, request.Key.Name, target.Provider.Name);

    private sealed class Editor(ToolCallStates? states, string tenant, string provider) : OpenAiAnswerEditor
    {
        /// <summary>By choice: the reasoning as the inside of a JSON string, and the id of the first call.</summary>
        private readonly Dictionary<int, (ArrayBufferWriter<byte> Reasoning, string? CallId)> _seen = [];

        public override bool IsConcerned(ReadOnlySpan<byte> json) =>
            json.IndexOf("\"reasoning_content\""u8) >= 0 || json.IndexOf("\"tool_calls\""u8) >= 0 || json.IndexOf("\"insufficient_system_resource\""u8) >= 0;

        protected override void Edit(JsonEdits edits)
        {
            foreach (var choice in JsonEdits.Objects(edits.Root.Find("choices"u8)))
            {
                if (choice.Find("finish_reason"u8) is { ValueKind: JsonValueKind.String } reason && reason.ValueEquals("insufficient_system_resource"u8))
                {
                    // The answer was broken off: the relay knows this word for it.
                    edits.Replace(reason, "\"error\"");
                }
            }

            foreach (var (choice, message) in Messages(edits.Root))
            {
                Note(choice, message);
            }
        }

        private void Note(JsonElement choice, JsonElement message)
        {
            var index = choice.Find("index"u8) is { ValueKind: JsonValueKind.Number } told && told.TryGetInt32(out var number) ? number : 0;
            if (!_seen.TryGetValue(index, out var seen))
            {
                seen = (new ArrayBufferWriter<byte>(), null);
            }

            if (message.Find("reasoning_content"u8) is { ValueKind: JsonValueKind.String } reasoning && seen.Reasoning.WrittenCount <= ToolCallStates.MaxStateBytes)
            {
                seen.Reasoning.Write(JsonMarshal.GetRawUtf8Value(reasoning)[1..^1]);
            }

            // Reasoning comes before the first call, so that all of it is there when the call's id is.
            if (seen.CallId is null && JsonEdits.Objects(message.Find("tool_calls"u8)).Select(call => call.FindText("id"u8)).FirstOrDefault(id => !string.IsNullOrEmpty(id)) is { } first)
            {
                seen.CallId = first;
                if (seen.Reasoning.WrittenCount > 0)
                {
                    states?.Keep(tenant, provider, first, (byte[])[(byte)'"', .. seen.Reasoning.WrittenSpan, (byte)'"']);
                }
            }

            _seen[index] = seen;
        }
    }
}
