using System.Security.Cryptography;
using System.Text;

namespace LlmGateway.Tests.Configuration;

public sealed class ClientKeyTests
{
    private static string Hash(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    [Fact]
    public void Load_VariableAndFile_AreIndexedByHash()
    {
        using var work = new ConfigWorkspace(("GATEWAY_API_KEYS", "web:key:with:colons, web:second"), ("CRM_TICKET", "T-9"));
        work.Keys($$"""
            { "keys": [ { "name": "crm", "sha256": "{{Hash("k1").ToUpperInvariant()}}", "department": "продажи", "ticket_env": "CRM_TICKET", "user_id": "svc", "user_header": false,
                "agents": ["a"], "models": ["*", "m"], "rpm": 60, "tpm": 100000, "max_concurrency": 50, "budget_usd": 0.5, "budget_period": "month",
                "not_before": "2030-01-01", "expires_at": "2030-01-31T00:00:00+02:00" },
              { "name": "crm", "sha256": "{{Hash("k2")}}" } ] }
            """);

        var keys = work.LoadGood().ClientKeys;

        Assert.Equal(4, keys.Count);
        Assert.Equal("web", keys[Hash("key:with:colons")].Name);
        var crm = keys[Hash("k1")];
        Assert.Equal(("crm", "продажи", "T-9", "svc", false), (crm.Name, crm.Department, crm.Ticket, crm.UserId, crm.TrustsUserHeader));
        Assert.Equal((60, 100_000L, 50, 0.5m, "month"), (crm.RequestsPerMinute, crm.TokensPerMinute, crm.MaxConcurrency, crm.BudgetUsd, crm.BudgetPeriod));
        Assert.Equal(["a"], crm.Agents!.Names);
        Assert.Null(crm.Models);
        Assert.Equal(new DateTimeOffset(2030, 1, 30, 22, 0, 0, TimeSpan.Zero), crm.ExpiresAt);
        Assert.Null(keys[Hash("k2")].Agents);
    }

    [Theory]
    [InlineData("""{ "sha256": "HASH" }""", "keys[0].name: is missing")]
    [InlineData("""{ "name": "a" }""", "keys[0].sha256: is missing")]
    [InlineData("""{ "name": "a", "sha256": "abc" }""", "64 digits")]
    [InlineData("""{ "name": "a", "sha256": "HASH", "user_id": "é" }""", "printable ASCII")]
    [InlineData("""{ "name": "a", "sha256": "HASH", "rpm": 0 }""", "keys[0].rpm")]
    [InlineData("""{ "name": "a", "sha256": "HASH", "budget_period": "year" }""", "day, week, month")]
    [InlineData("""{ "name": "a", "sha256": "HASH", "not_before": "2031-01-01", "expires_at": "2030-01-01" }""", "later than not_before")]
    [InlineData("""{ "name": "a", "sha256": "HASH", "expires_at": "soon" }""", "keys[0].expires_at")]
    [InlineData("""{ "name": "a", "sha256": "HASH", "agent": ["*"] }""", "Did you mean \"agents\"?")]
    [InlineData("""{ "name": "a", "sha256": "HASH" }, { "name": "b", "sha256": "HASH" }""", "same as another")]
    public void Load_BadKey_IsTold(string key, string expected)
    {
        using var work = new ConfigWorkspace();
        work.Keys($$"""{ "keys": [ {{key.Replace("HASH", Hash("x"), StringComparison.Ordinal)}} ] }""");

        Assert.Contains(expected, Assert.Single(work.LoadBad()));
    }
}
