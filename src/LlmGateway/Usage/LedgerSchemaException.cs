namespace LlmGateway.Usage;

/// <summary>The ledger was written by a newer version of the gateway, which this one must not touch: a start error.</summary>
public sealed class LedgerSchemaException(string message) : Exception(message);
