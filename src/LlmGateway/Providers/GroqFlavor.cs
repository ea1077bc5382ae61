using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Groq answers 400 to a message's <c>name</c>, tells usage in <c>x_groq</c> where nobody asked for any, and says <c>reasoning</c>.</summary>
internal sealed class GroqFlavor : OpenAiFlavor
{
    public override string Name => "groq";

    public override bool IsAt(Uri baseUrl) => IsUnder(baseUrl, "groq.com");

    public override void EditRequest(JsonEdits body, GatewayRequest request, ProviderTarget target)
    {
        foreach (var message in JsonEdits.Objects(body.Root.Find("messages"u8)))
        {
            body.Remove(message, "name");
        }
    }

    public override OpenAiAnswerEditor CreateEditor(GatewayRequest request, ProviderTarget target) => new Editor(request.HidesStreamUsage);

    /// <param name="liftsUsage">Whether usage is for the gateway alone: then that in <c>x_groq</c> counts, and goes no further.</param>
    private sealed class Editor(bool liftsUsage) : OpenAiAnswerEditor
    {
        public override bool IsConcerned(ReadOnlySpan<byte> json) => OpenAiReasoning.IsConcerned(json) || (liftsUsage && json.IndexOf("\"x_groq\""u8) >= 0);

        protected override void Edit(JsonEdits edits)
        {
            foreach (var (_, message) in Messages(edits.Root))
            {
                OpenAiReasoning.Rename(edits, message);
            }

            if (liftsUsage && edits.Root.Find("x_groq"u8) is { ValueKind: JsonValueKind.Object } own && own.Find("usage"u8) is { ValueKind: JsonValueKind.Object } usage)
            {
                edits.Remove(edits.Root, "x_groq");
                if (!edits.Root.TryGetProperty("usage"u8, out _))
                {
                    edits.Add(edits.Root, "usage", JsonMarshal.GetRawUtf8Value(usage));
                }
            }
        }
    }
}
