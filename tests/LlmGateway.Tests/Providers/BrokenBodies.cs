using LlmGateway.Providers;

namespace LlmGateway.Tests.Providers;

/// <summary>A request's body with each of its bytes replaced by those that JSON trips over.</summary>
internal static class BrokenBodies
{
    /// <summary>Each makes a call, or a refusal that the client understands.</summary>
    public static void AssertNeverThrow(IProviderDialect dialect, RequestBuilder sound)
    {
        var request = sound.Build();
        for (var at = 0; at < sound.Body.Length; at++)
        {
            foreach (var value in (ReadOnlySpan<byte>)[0, (byte)'"', (byte)'\\', (byte)'{', (byte)'1', 0xFF])
            {
                var broken = sound.Body.ToArray();
                broken[at] = value;

                var call = dialect.CreateCall(request with { Body = broken }, sound.Target(), TargetHabits.None);

                Assert.True(call.Message is not null || call.Error is { Status: 400 } || call.Unsupported is not null);
            }
        }
    }
}
