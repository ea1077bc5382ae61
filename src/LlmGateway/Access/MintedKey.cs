using LlmGateway.Model;

namespace LlmGateway.Access;

/// <summary>A client key that was made with <c>POST /admin/keys</c>.</summary>
/// <param name="Key">What it may do.</param>
/// <param name="Definition">The JSON object that it was made with.</param>
/// <param name="Created">When.</param>
internal sealed record MintedKey(ClientKey Key, string Definition, DateTimeOffset Created);
