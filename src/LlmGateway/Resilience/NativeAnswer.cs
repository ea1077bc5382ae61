namespace LlmGateway.Resilience;

/// <summary>
/// Marks an answer that is in the client's own form already, because client and provider speak the same: nobody translates it again. The
/// mark stays inside the gateway; what headers a client sees is decided elsewhere, header by header.
/// </summary>
internal static class NativeAnswer
{
    private const string Header = "x-native";

    public static void Mark(HttpResponseMessage response) => response.Headers.TryAddWithoutValidation(Header, "1");

    public static bool Is(HttpResponseMessage response) => response.Headers.Contains(Header);
}
