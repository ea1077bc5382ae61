namespace LlmGateway.Usage;

/// <summary>The ledger's store is locked, full, damaged or away; the message says what the store said.</summary>
public sealed class LedgerUnavailableException(string message, Exception? innerException = null) : Exception(message, innerException);
