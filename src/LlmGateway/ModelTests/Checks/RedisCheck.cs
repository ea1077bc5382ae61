using LlmGateway.Configuration;
using LlmGateway.Redis;
using StackExchange.Redis;

namespace LlmGateway.ModelTests.Checks;

/// <summary>Whether Redis is there, takes the password and has the database; none configured is well.</summary>
internal static class RedisCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static async Task<CheckFinding> RunAsync(string? url, TimeProvider time, CancellationToken cancellationToken)
    {
        if (url is null)
        {
            return CheckFinding.Ok(SettingNames.RedisUrl, "not set: limits and sessions are kept in this process");
        }

        if (!RedisUrl.TryParse(url, out var options, out var problem))
        {
            return CheckFinding.Failed(SettingNames.RedisUrl, problem!, "Write redis://:password@host:6379/0.");
        }

        options!.AbortOnConnectFail = true;
        options.ConnectRetry = 1;
        options.ConnectTimeout = 3000;
        options.ClientName = "llm-gateway-check";
        var where = string.Join(", ", options.EndPoints.Select(Caption));
        try
        {
            using var connection = await ConnectionMultiplexer.ConnectAsync(options).WaitAsync(Patience, time, cancellationToken);
            var database = connection.GetDatabase();
            await database.PingAsync().WaitAsync(Patience, time, cancellationToken);

            // PING is answered without the database; this is not.
            await database.KeyExistsAsync("llm-gateway:check").WaitAsync(Patience, time, cancellationToken);
            return CheckFinding.Ok(SettingNames.RedisUrl, $"answers at {where}, database {options.DefaultDatabase ?? 0}");
        }
        catch (Exception exception) when (exception is RedisException or RedisCommandException or TimeoutException or IOException or InvalidOperationException)
        {
            return Describe(exception, where);
        }
    }

    /// <summary>By kind: the client's own messages hold more than a reader needs.</summary>
    private static CheckFinding Describe(Exception exception, string where)
    {
        var told = exception.Message + " " + exception.InnerException?.Message;
        if (exception is RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure } || Says("NOAUTH") || Says("WRONGPASS") || Says("AUTH"))
        {
            return CheckFinding.Failed(SettingNames.RedisUrl, $"Redis at {where} refuses the password, or wants one", "Write the password into the URL: redis://:password@host:6379/0.");
        }

        return Says("DB index") || Says("SELECT") || Says("database")
            ? CheckFinding.Failed(SettingNames.RedisUrl, $"Redis at {where} has no such database", "Use a number below Redis' own setting \"databases\" (16 unless changed).")
            : CheckFinding.Failed(SettingNames.RedisUrl, $"Redis does not answer at {where}", "Start it, or check host, port and network; without REDIS_URL the gateway keeps its state in process.");

        bool Says(string word) => told.Contains(word, StringComparison.OrdinalIgnoreCase);
    }

    private static string Caption(System.Net.EndPoint point) => point switch
    {
        System.Net.DnsEndPoint dns => $"{dns.Host}:{dns.Port}",
        _ => point.ToString() ?? "",
    };
}
