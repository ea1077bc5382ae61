namespace LlmGateway.Database;

/// <summary>The database cannot be used now: away, locked, full. The message has no password in it.</summary>
internal sealed class DatabaseUnavailableException(string message, Exception? innerException = null) : Exception(message, innerException);
