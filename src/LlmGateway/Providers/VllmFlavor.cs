using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>vLLM: newer versions say <c>reasoning</c>, older ones <c>reasoning_content</c>. Its flat errors are read for every server.</summary>
internal sealed class VllmFlavor : OpenAiFlavor
{
    public override string Name => "vllm";

    public override OpenAiAnswerEditor CreateEditor(GatewayRequest request, ProviderTarget target) => new Editor();

    private sealed class Editor : OpenAiAnswerEditor
    {
        public override bool IsConcerned(ReadOnlySpan<byte> json) => OpenAiReasoning.IsConcerned(json);

        protected override void Edit(JsonEdits edits)
        {
            foreach (var (_, message) in Messages(edits.Root))
            {
                OpenAiReasoning.Rename(edits, message);
            }
        }
    }
}
