namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Of a kind that the gateway cannot know.</summary>
internal sealed class InjectedFaultException(string point) : Exception($"Injected at {point}.");
