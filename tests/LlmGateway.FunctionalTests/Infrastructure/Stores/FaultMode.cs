namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>What a <see cref="FaultProxy"/> does with connections.</summary>
internal enum FaultMode
{
    /// <summary>Bytes go both ways.</summary>
    Pass,

    /// <summary>Connections are closed at once.</summary>
    Refuse,

    /// <summary>Connections are taken, bytes go nowhere.</summary>
    Blackhole,

    /// <summary>Connections are ended with a reset.</summary>
    Reset,

    /// <summary>Nobody listens: open connections are reset, and new ones do not come about.</summary>
    Closed,
}
