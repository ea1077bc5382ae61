using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// LM Studio repeats a tool call's name and id as empty strings in later fragments: clients that take what comes last lose the name.
/// </summary>
internal sealed class LmStudioFlavor : OpenAiFlavor
{
    private const int DefaultPort = 1234;

    public override string Name => "lmstudio";

    public override bool IsAt(Uri baseUrl) => baseUrl.IsLoopback && baseUrl.Port == DefaultPort;

    public override OpenAiAnswerEditor CreateEditor(GatewayRequest request, ProviderTarget target) => new Editor();

    private sealed class Editor : OpenAiAnswerEditor
    {
        public override bool IsConcerned(ReadOnlySpan<byte> json) => json.IndexOf("\"tool_calls\""u8) >= 0 || OpenAiReasoning.IsConcerned(json);

        protected override void Edit(JsonEdits edits)
        {
            foreach (var (_, message) in Messages(edits.Root))
            {
                OpenAiReasoning.Rename(edits, message);
                foreach (var call in JsonEdits.Objects(message.Find("tool_calls"u8)))
                {
                    RemoveEmpty(edits, call, "id");
                    if (call.Find("function"u8) is { ValueKind: JsonValueKind.Object } function)
                    {
                        RemoveEmpty(edits, function, "name");
                    }
                }
            }
        }

        private static void RemoveEmpty(JsonEdits edits, JsonElement parent, string name)
        {
            if (parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.ValueEquals(""u8))
            {
                edits.Remove(parent, name);
            }
        }
    }
}
