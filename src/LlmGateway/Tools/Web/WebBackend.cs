using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Tools.Web;

/// <summary>
/// Fetches JSON for the built-in tools, from configured addresses alone: no redirects, a limit of time and size, no credentials. What was made
/// of an answer is kept for a while, within bounds.
/// </summary>
internal sealed class WebBackend(TimeProvider time) : IDisposable
{
    /// <summary>A longer answer is refused.</summary>
    public const int MaxBytes = 1024 * 1024;

    private const int MaxKept = 1000;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Kept> _kept = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _order = new();
    private readonly HttpMessageInvoker _client = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromSeconds(90),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        MaxResponseHeadersLength = 64,
    });

    /// <summary>Below a base address, whichever way its end is written; <c>{name}</c> are values, escaped here.</summary>
    public static Uri Address(Uri baseUrl, string path, params ReadOnlySpan<(string Name, string Value)> query)
    {
        var text = baseUrl.GetLeftPart(UriPartial.Path).TrimEnd('/') + path;
        for (var i = 0; i < query.Length; i++)
        {
            text += $"{(i == 0 ? '?' : '&')}{query[i].Name}={Uri.EscapeDataString(query[i].Value)}";
        }

        return new Uri(text);
    }

    /// <summary>What the model is told where no address is configured: in development a public service is asked only when the file names it.</summary>
    public static ToolOutput NoAddress(string tool, string setting) =>
        ToolOutput.Error($"The tool '{tool}' has no address to ask: set {setting} in the settings file. In development nothing leaves this machine unless it is set.");

    /// <summary>The answer's JSON, which the caller disposes; or what is wrong, for the model.</summary>
    /// <param name="what">The back end as the model knows it, "weather service" say.</param>
    /// <param name="address">Where.</param>
    /// <param name="cancellationToken">Throws when it is cancelled.</param>
    public async Task<(JsonDocument? Json, string? Error)> GetAsync(string what, Uri address, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            request.Headers.TryAddWithoutValidation("Accept", "application/json");
            request.Headers.TryAddWithoutValidation("User-Agent", "LlmGateway/1.0 (built-in tool)");
            using var response = await _client.SendAsync(request, either.Token);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                return (null, $"The {what} answered with status {(int)response.StatusCode}.");
            }

            return await ReadAsync(response.Content, either.Token) is { } body
                ? (JsonDocument.Parse(body, OpenAiJson.Reading), null)
                : (null, $"The {what} sent too long an answer.");
        }
        catch (JsonException)
        {
            return (null, $"The {what} sent something that is no JSON.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, $"The {what} did not answer in time.");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return (null, $"The {what} cannot be reached.");
        }
    }

    /// <summary>What was made of the same question before; null where that is too long ago.</summary>
    public string? Find(string question, TimeSpan lifetime) =>
        _kept.TryGetValue(question, out var kept) && time.GetElapsedTime(kept.At) < lifetime ? kept.Answer : null;

    public void Keep(string question, string answer, TimeSpan lifetime)
    {
        if (lifetime <= TimeSpan.Zero)
        {
            return;
        }

        var kept = new Kept(answer, time.GetTimestamp());
        if (_kept.TryAdd(question, kept))
        {
            _order.Enqueue(question);
        }
        else
        {
            _kept[question] = kept;
        }

        while (_kept.Count > MaxKept && _order.TryDequeue(out var oldest))
        {
            _kept.TryRemove(oldest, out _);
        }
    }

    public void Dispose() => _client.Dispose();

    private static async Task<ReadOnlyMemory<byte>?> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        var stream = await content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[16 * 1024];
        while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            if (body.Length + read > MaxBytes)
            {
                return null;
            }

            body.Write(buffer, 0, read);
        }

        return body.ToArray();
    }

    private sealed record Kept(string Answer, long At);
}
