namespace LlmGateway.Model;

/// <summary>The form that a client speaks, seen from the provider's side.</summary>
/// <param name="ProviderType">Type of the providers that speak it too.</param>
/// <param name="Path">Where they answer it, below their base URL.</param>
public sealed record NativeForm(string ProviderType, string Path);
