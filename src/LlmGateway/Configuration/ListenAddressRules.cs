namespace LlmGateway.Configuration;

/// <summary>What an address to listen at must look like, so that the answer to a typing error is a sentence and not the server's stack trace.</summary>
internal static class ListenAddressRules
{
    private const string Remedy = "Use addresses such as http://localhost:8080.";

    public static IEnumerable<ConfigProblem> Check(IEnumerable<string> urls) =>
        urls.Select(url => WhyNot(url) is { } reason ? new ConfigProblem("settings", null, "--urls or ASPNETCORE_URLS", reason, Remedy) : null).OfType<ConfigProblem>();

    private static string? WhyNot(string url)
    {
        try
        {
            var address = BindingAddress.Parse(url);
            if (address.Scheme.Equals("https", StringComparison.OrdinalIgnoreCase))
            {
                return $"\"{url}\": the gateway itself speaks plain HTTP; end TLS in front of it";
            }

            return address.Scheme.Equals("http", StringComparison.OrdinalIgnoreCase) && address.PathBase.Length == 0
                ? null
                : $"\"{url}\" is not an http address without a path";
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            return $"\"{url}\" is not an address";
        }
    }
}
