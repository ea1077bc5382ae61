namespace LlmGateway.Providers.Wire;

/// <summary>Why a model stopped, in OpenAI's terms; there are no others, because strict clients fail on them.</summary>
internal enum FinishReason
{
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
    FunctionCall,
}
