using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Takes every request as it is.</summary>
internal sealed class NoRules : IWireRules
{
    public string ChatRoute => "POST /v1/chat/completions";

    public IEnumerable<string> Problems(RecordedRequest request) => [];

    public string ErrorBody(int status, string message) => JsonSerializer.Serialize(new { error = new { message } });
}
