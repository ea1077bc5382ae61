using System.Net;

namespace LlmGateway.Lifecycle;

/// <summary>Asks the gateway of this machine how it does: for containers that hold nothing else to ask with.</summary>
internal static class HealthProbe
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    /// <param name="urls">Addresses at which the gateway listens; the first one is asked.</param>
    /// <param name="error">Takes what is wrong.</param>
    /// <returns>0: it serves; 1: it does not.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> urls, TextWriter error)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Limit };
        var address = Address(urls[0]);
        try
        {
            using var response = await client.GetAsync(new Uri(address + "/health/ready"));
            if (response.StatusCode == HttpStatusCode.OK)
            {
                return 0;
            }

            await error.WriteLineAsync($"{address} answers {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            await error.WriteLineAsync($"{address} does not answer: {exception.Message}");
        }

        return 1;
    }

    /// <summary>Where "all addresses" is listened at, this machine's own is one of them.</summary>
    internal static string Address(string url)
    {
        var address = BindingAddress.Parse(url);
        var host = address.Host is "0.0.0.0" or "[::]" or "*" or "+" ? "localhost" : address.Host;
        return $"{address.Scheme}://{host}:{address.Port}";
    }
}
