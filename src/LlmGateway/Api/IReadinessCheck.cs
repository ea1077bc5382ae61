namespace LlmGateway.Api;

/// <summary>One thing that <c>/health/ready</c> reports on. All that are registered are asked, each time; they answer from memory.</summary>
internal interface IReadinessCheck
{
    /// <summary>Whether new requests should go elsewhere: the answer is 503 then.</summary>
    bool IsReady => true;

    /// <summary>What is not as it should be, in a sentence without secrets; null: nothing. Requests are served all the same.</summary>
    string? Problem { get; }
}
