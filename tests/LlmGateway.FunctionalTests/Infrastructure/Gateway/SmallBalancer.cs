using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>
/// The least that stands in front of two instances: it asks each for readiness every few milliseconds and sends calls to those that are
/// ready, in turn. It never repeats a call: one that fails is seen by its caller.
/// </summary>
internal sealed class SmallBalancer : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly WebApplication _app;
    private readonly HttpClient _backend = new(new SocketsHttpHandler { UseProxy = false });
    private readonly GatewayProcess?[] _nodes = new GatewayProcess?[2];
    private readonly bool[] _ready = new bool[2];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _watching;
    private int _turn;

    public SmallBalancer()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Urls.Add("http://127.0.0.1:0");
        _app.Run(PassOnAsync);
        _app.StartAsync().GetAwaiter().GetResult();
        _watching = WatchAsync();
    }

    public string BaseUrl => _app.Urls.First();

    public HttpClient Client { get; } = new(new SocketsHttpHandler { UseProxy = false });

    public GatewayProcess this[int node] => _nodes[node]!;

    /// <summary>Puts an instance that has started in its place; calls come once it says that it is ready.</summary>
    public void Set(int node, GatewayProcess gateway) => Volatile.Write(ref _nodes[node], gateway);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _watching;
        await _app.DisposeAsync();
        foreach (var node in _nodes.OfType<GatewayProcess>())
        {
            await node.DisposeAsync();
        }

        Client.Dispose();
        _backend.Dispose();
        _stopping.Dispose();
    }

    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do
            {
                for (var node = 0; node < _nodes.Length; node++)
                {
                    _ready[node] = await IsReadyAsync(Volatile.Read(ref _nodes[node]));
                }
            }
            while (await timer.WaitForNextTickAsync(_stopping.Token));
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task<bool> IsReadyAsync(GatewayProcess? node)
    {
        try
        {
            using var response = await _backend.GetAsync(new Uri(node!.Client.BaseAddress!, "/health/ready"), _stopping.Token);
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception exception) when (exception is HttpRequestException or NullReferenceException or ObjectDisposedException)
        {
            return false;
        }
    }

    private async Task PassOnAsync(HttpContext context)
    {
        var turn = Interlocked.Increment(ref _turn);
        var ready = Enumerable.Range(0, _nodes.Length).Select(i => (i + turn) % _nodes.Length).Where(node => _ready[node]).ToList();
        if (ready.Count == 0)
        {
            context.Response.StatusCode = StatusCodes.Status502BadGateway;
            return;
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_nodes[ready[0]]!.Client.BaseAddress!, context.Request.Path.Value)) { Content = new StreamContent(context.Request.Body) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", context.Request.ContentType);
        using var response = await _backend.SendAsync(request, context.RequestAborted);
        context.Response.StatusCode = (int)response.StatusCode;
        await response.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}
