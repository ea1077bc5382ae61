using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>
/// A provider on loopback that does what the test tells it: per route a queue of scripts, one for each request. It refuses what the real
/// one would refuse, keeps every request, and lists as violations what no provider may ever get to see.
/// </summary>
internal sealed class ScriptedProvider : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<string, ScriptQueue> _routes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<ProviderConnection, Task> _connections = new();
    private readonly ConcurrentQueue<string> _violations = new();
    private readonly ConcurrentQueue<RecordedRequest> _requests = new();
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly IWireRules _rules;
    private readonly Task _accepting;
    private int _connectionCount;
    private string[] _secrets = [];
    private Func<RecordedRequest, Script>? _otherwise;
    private bool _allowsRefusals;

    private ScriptedProvider(IWireRules rules, int backlog, IPEndPoint? address = null)
    {
        _rules = rules;
        _listener.Bind(address ?? new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(backlog);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>Address without a version path.</summary>
    public string BaseUrl => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}");

    public IReadOnlyList<RecordedRequest> Requests => [.. _requests];

    /// <summary>Connections accepted so far.</summary>
    public int ConnectionCount => Volatile.Read(ref _connectionCount);

    /// <summary>What was wrong with requests; disposing throws when there is anything.</summary>
    public IReadOnlyList<string> Violations => [.. _violations];

    public static ScriptedProvider OpenAi() => new(new OpenAiRules(), 1024);

    /// <summary>One at an address of the test's choice.</summary>
    public static ScriptedProvider OpenAi(IPEndPoint address) => new(new OpenAiRules(), 1024, address);

    public static ScriptedProvider Ollama() => new(new OllamaRules(), 1024);

    public static ScriptedProvider Anthropic() => new(new AnthropicRules(), 1024);

    public static ScriptedProvider Gemini() => new(new GeminiRules(), 1024);

    /// <summary>A provider that takes everything: for passed-through paths.</summary>
    public static ScriptedProvider Anything() => new(new NoRules(), 1024);

    /// <summary>The next script for the dialect's chat route.</summary>
    public ScriptedProvider Answers(params Script[] scripts) => On(_rules.ChatRoute, scripts);

    /// <summary>What every request to the dialect's chat route gets once its queue is empty.</summary>
    public ScriptedProvider AlwaysAnswers(Func<RecordedRequest, Script> script) => Always(_rules.ChatRoute, script);

    /// <summary>Queues scripts for a route such as <c>POST /v1/embeddings</c>; a <c>*</c> in it stands for one path segment.</summary>
    public ScriptedProvider On(string route, params Script[] scripts)
    {
        var queue = _routes.GetOrAdd(route, _ => new ScriptQueue());
        foreach (var script in scripts)
        {
            queue.Scripts.Enqueue(script);
        }

        return this;
    }

    public ScriptedProvider Always(string route, Func<RecordedRequest, Script> script)
    {
        _routes.GetOrAdd(route, _ => new ScriptQueue()).Otherwise = script;
        return this;
    }

    /// <summary>What every other request gets.</summary>
    public ScriptedProvider Otherwise(Func<RecordedRequest, Script> script)
    {
        _otherwise = script;
        return this;
    }

    /// <summary>Secrets that belong to others: their appearance in any byte of a request is a violation.</summary>
    public ScriptedProvider ForbidsSecrets(params string[] secrets)
    {
        _secrets = [.. _secrets, .. secrets];
        return this;
    }

    /// <summary>For tests whose client sends what a provider refuses: a refusal is then no violation.</summary>
    public ScriptedProvider AllowsRefusals()
    {
        _allowsRefusals = true;
        return this;
    }

    /// <summary>Waits until at least <paramref name="count"/> requests have come in, and answers the last of them.</summary>
    public async Task<RecordedRequest> WaitForRequestAsync(int count = 1, TimeSpan? limit = null)
    {
        while (_requests.Count < count)
        {
            if (!await _arrived.WaitAsync(limit ?? Eventually.DefaultLimit))
            {
                throw new TimeoutException($"Only {_requests.Count} of {count} requests came. {string.Join("; ", _violations)}");
            }
        }

        return _requests.ElementAt(count - 1);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_connections.Keys.Select(connection => connection.DisposeAsync().AsTask()));
        await Task.WhenAll(_connections.Values);
        _stopping.Dispose();
        _arrived.Dispose();
        if (!_violations.IsEmpty)
        {
            throw new InvalidOperationException("The scripted provider objects:\n" + string.Join('\n', _violations));
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var connection = new ProviderConnection(await _listener.AcceptAsync(_stopping.Token));
                Interlocked.Increment(ref _connectionCount);
                _connections[connection] = ServeAsync(connection);
            }
        }
        catch (Exception over) when (over is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed: nobody is accepted any more.
        }
    }

    private async Task ServeAsync(ProviderConnection connection)
    {
        RecordedRequest? request = null;
        try
        {
            while (await connection.ReadHeadAsync(_stopping.Token) is { } next)
            {
                request = next;
                if (!await AnswerAsync(connection, request))
                {
                    return;
                }
            }
        }
        catch (ProtocolViolationException violation)
        {
            _violations.Enqueue(violation.Message);
            connection.Socket.Close();
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException or OperationCanceledException or EndOfStreamException)
        {
            if (request is not null)
            {
                request.Tally.WasCutByPeer = !_stopping.IsCancellationRequested;
            }

            connection.Socket.Close();
        }
    }

    private async Task<bool> AnswerAsync(ProviderConnection connection, RecordedRequest request)
    {
        var script = FindScript(request);
        var readBody = async () =>
        {
            await connection.ReadBodyAsync(request, _stopping.Token);
            LookForSecrets(request, request.Body!);
        };
        LookForSecrets(request, request.Head);
        if (script is { StartsBeforeBody: true })
        {
            Record(request);
        }
        else
        {
            await readBody();
            var refusal = Refusal(request, script);
            Record(request);
            script = refusal ?? script;
        }

        var run = new ScriptRun(connection.Socket, request, readBody, _stopping.Token);
        await script!.PlayAsync(run);
        if (!run.IsOver && request.Body is null)
        {
            // Closing on unread bytes would be a reset that may swallow the answer: read on until the peer has had enough.
            run.Close();
            await connection.DrainAsync(_stopping.Token);
        }

        return !run.IsOver;
    }

    private void Record(RecordedRequest request)
    {
        _requests.Enqueue(request);
        _arrived.Release();
    }

    private Script? FindScript(RecordedRequest request)
    {
        foreach (var (route, queue) in _routes)
        {
            if (Matches(route, request))
            {
                return queue.Scripts.TryDequeue(out var script) ? script : (queue.Otherwise ?? _otherwise)?.Invoke(request);
            }
        }

        return _otherwise?.Invoke(request);
    }

    private Script? Refusal(RecordedRequest request, Script? script)
    {
        if (_rules.Problems(request).FirstOrDefault() is { } problem)
        {
            if (!_allowsRefusals)
            {
                _violations.Enqueue($"{request.Method} {request.Path}: {problem}\n{request.Text}");
            }

            return Script.Json(_rules.ErrorBody(400, problem), 400);
        }

        if (script is null)
        {
            _violations.Enqueue($"{request.Method} {request.Path}: no script for it.");
            return Script.Json(_rules.ErrorBody(404, "no script"), 404);
        }

        return null;
    }

    private void LookForSecrets(RecordedRequest request, byte[] bytes)
    {
        foreach (var secret in _secrets)
        {
            if (bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(secret)) >= 0)
            {
                _violations.Enqueue($"{request.Method} {request.Path}: holds a secret of someone else: {secret}");
            }
        }
    }

    private static bool Matches(string route, RecordedRequest request)
    {
        var parts = route.Split(' ', 2);
        var wanted = parts[1].Split('/');
        var path = request.Path.Split('/');
        return parts[0] == request.Method && wanted.Length == path.Length
            && wanted.Zip(path).All(pair => pair.First == pair.Second || Globs(pair.First, pair.Second));
    }

    private static bool Globs(string pattern, string segment)
    {
        var star = pattern.IndexOf('*', StringComparison.Ordinal);
        return star >= 0 && segment.StartsWith(pattern[..star], StringComparison.Ordinal)
            && segment.EndsWith(pattern[(star + 1)..], StringComparison.Ordinal);
    }

    private sealed class ScriptQueue
    {
        public ConcurrentQueue<Script> Scripts { get; } = new();

        public Func<RecordedRequest, Script>? Otherwise { get; set; }
    }
}
