namespace LlmGateway.Resilience;

/// <summary>Credentials that the provider has refused; calls to the same model with others go on.</summary>
/// <param name="Credentials">The credentials; they stay in memory alone.</param>
/// <param name="Until">Time stamp until which they are not tried again.</param>
internal sealed record RefusedCredentials(CallCredentials Credentials, long Until);
