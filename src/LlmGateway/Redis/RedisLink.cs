using System.Net;
using System.Net.Sockets;
using StackExchange.Redis;

namespace LlmGateway.Redis;

/// <summary>One try to be connected to Redis: each of its hosts is connected to once. What is lost is not made anew; another link takes its place.</summary>
internal sealed class RedisLink : IDisposable
{
    private RedisLink(ConnectionMultiplexer connection) => Connection = connection;

    public ConnectionMultiplexer Connection { get; }

    /// <summary>Whether some host is connected.</summary>
    public bool IsConnected => Connection.IsConnected;

    /// <summary>Whether all hosts are connected: then a new link could do no better.</summary>
    public bool IsWhole => Array.TrueForAll(Connection.GetEndPoints(configuredOnly: true), point => Connection.GetServer(point).IsConnected);

    /// <summary>Tries once; comes back when the hosts have answered, have refused, or were given the time that the options allow.</summary>
    /// <param name="options">Hosts and credentials.</param>
    /// <param name="turn">Which of the addresses of a name to take: another with each try.</param>
    /// <returns>The link; null where every host refused at once, or no name was known.</returns>
    public static async Task<RedisLink?> ConnectAsync(ConfigurationOptions options, int turn)
    {
        var once = options.Clone();
        var points = await ResolveAsync(options, turn);
        once.EndPoints.Clear();
        foreach (var point in points.Where(point => !once.EndPoints.Contains(point)))
        {
            once.EndPoints.Add(point);
        }

        if (once.EndPoints.Count == 0)
        {
            return null;
        }

        // The names are gone from the addresses; the certificate is held against them all the same.
        once.SslHost = options.SslHost;
        var connecting = ConnectionMultiplexer.ConnectAsync(once);
        var missed = Task.WhenAll(once.EndPoints.Select(point => point is OneTimeEndPoint known ? known.Missed : new TaskCompletionSource().Task));
        if (await Task.WhenAny(connecting, missed) == connecting)
        {
            // Scripts do not wait for each other: each is a step of its own.
            var connection = await connecting;
            connection.PreserveAsyncOrder = false;
            return new RedisLink(connection);
        }

        _ = DropAsync(connecting);
        return null;
    }

    /// <summary>Ends it without waiting for anybody.</summary>
    public void Abandon() => Connection.Close(allowCommandsToComplete: false);

    /// <summary>Ends it when what was asked is answered, or after a moment.</summary>
    public void Dispose() => Connection.Dispose();

    private static async Task DropAsync(Task<ConnectionMultiplexer> connecting)
    {
        try
        {
            (await connecting).Close(allowCommandsToComplete: false);
        }
        catch (RedisException)
        {
            // There is nothing to close.
        }
    }

    private static async Task<List<EndPoint>> ResolveAsync(ConfigurationOptions options, int turn)
    {
        var points = new List<EndPoint>(options.EndPoints.Count);
        foreach (var point in options.EndPoints)
        {
            switch (point)
            {
                case IPEndPoint ip:
                    points.Add(new OneTimeEndPoint(ip.Address, ip.Port));
                    break;
                case DnsEndPoint dns when options.Ssl && options.SslHost is null:
                    // Several hosts with a certificate each: only the library knows which name belongs to which connection.
                    points.Add(dns);
                    break;
                case DnsEndPoint dns when await AddressesAsync(dns.Host, options.ConnectTimeout) is { Length: > 0 } addresses:
                    points.Add(new OneTimeEndPoint(addresses[turn % addresses.Length], dns.Port));
                    break;
            }
        }

        return points;
    }

    private static async Task<IPAddress[]> AddressesAsync(string host, int milliseconds)
    {
        using var limit = new CancellationTokenSource(milliseconds);
        try
        {
            var all = await Dns.GetHostAddressesAsync(host, limit.Token);
            var usual = Array.FindAll(all, address => address.AddressFamily == AddressFamily.InterNetwork);
            return usual.Length > 0 ? usual : all;
        }
        catch (Exception unknown) when (unknown is SocketException or OperationCanceledException)
        {
            return [];
        }
    }
}
