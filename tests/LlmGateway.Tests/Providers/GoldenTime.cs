namespace LlmGateway.Tests.Providers;

/// <summary>A clock that stands still at 2023-11-14T22:13:20Z (Unix time 1700000000).</summary>
internal sealed class GoldenTime : TimeProvider
{
    public static readonly GoldenTime Instance = new();

    public override long GetTimestamp() => 0;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);
}
