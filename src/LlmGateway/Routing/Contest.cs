using LlmGateway.Model;

namespace LlmGateway.Routing;

/// <summary>Two candidates that answer the same request, and who says which answer is the better one.</summary>
/// <param name="First">The first candidate; a tie is his.</param>
/// <param name="Second">The second candidate.</param>
/// <param name="Evaluator">The model that scores both; null where none is usable: then the first well-formed answer is taken.</param>
public sealed record Contest(ProviderTarget First, ProviderTarget Second, ProviderTarget? Evaluator);
