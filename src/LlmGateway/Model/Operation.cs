namespace LlmGateway.Model;

/// <summary>What a client asks for; a dialect says which of these it supports.</summary>
public enum Operation
{
    /// <summary><c>/v1/chat/completions</c>.</summary>
    ChatCompletions,

    /// <summary>The legacy <c>/v1/completions</c>: a bare prompt.</summary>
    Completions,

    /// <summary><c>/v1/embeddings</c>.</summary>
    Embeddings,

    /// <summary>Any other path of an OpenAI-compatible API, unread.</summary>
    Passthrough,
}
