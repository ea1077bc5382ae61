using System.Text.Json.Serialization;

namespace LlmGateway.Sessions;

/// <summary>The column <c>extra_metadata</c>.</summary>
/// <param name="Key">Name of the client key whose session it is.</param>
/// <param name="Agent">The profile.</param>
/// <param name="Provider">Who answered.</param>
/// <param name="RequestId">The request's <c>X-Request-Id</c>.</param>
internal sealed record ExchangeMetadata(string Key, string Agent, string Provider, string RequestId);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ExchangeMetadata))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
internal sealed partial class ChatHistoryJson : JsonSerializerContext;
