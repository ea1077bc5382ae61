namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>What one kind of provider demands of a request, as strictly as the real one.</summary>
internal interface IWireRules
{
    /// <summary>Method and path of the dialect's chat endpoint.</summary>
    string ChatRoute { get; }

    /// <summary>What the real provider would refuse the request for; nothing if it is fine.</summary>
    IEnumerable<string> Problems(RecordedRequest request);

    /// <summary>An error in the provider's own form.</summary>
    string ErrorBody(int status, string message);
}
