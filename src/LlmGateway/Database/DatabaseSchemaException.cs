namespace LlmGateway.Database;

/// <summary>The database was written by a newer version of the gateway, which this one must not touch: a start error.</summary>
internal sealed class DatabaseSchemaException(string message) : Exception(message);
