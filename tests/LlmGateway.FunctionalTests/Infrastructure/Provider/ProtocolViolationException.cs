namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>The gateway sent something that is not HTTP/1.1 as a strict provider reads it.</summary>
internal sealed class ProtocolViolationException(string message) : Exception(message);
