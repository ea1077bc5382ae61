using LlmGateway.Database;
using Npgsql;

namespace LlmGateway.Tests.Database;

public sealed class DatabaseUrlTests
{
    [Theory]
    [InlineData("sqlite:data/gateway.db", "/srv/data/gateway.db")]
    [InlineData("SQLITE:/var/x.db", "/var/x.db")]
    [InlineData("sqlite:///var/x.db", "/var/x.db")]
    public void TryParse_Sqlite_ResolvesAgainstWorkingDirectory(string value, string path)
    {
        Assert.True(DatabaseUrl.TryParse(value, "/srv", out var url, out _));
        Assert.Equal((DatabaseKind.Sqlite, path), (url!.Kind, url.Value));
    }

    [Theory]
    [InlineData("postgres://u:p@h/db", "h", 5432, "u", "p", "db", SslMode.Prefer)]
    [InlineData("postgresql://u:p%40%2F%3A@h:6543/my%20db?sslmode=verify-full", "h", 6543, "u", "p@/:", "my db", SslMode.VerifyFull)]
    [InlineData("postgres://u@[::1]/db?sslmode=disable&application_name=x", "::1", 5432, "u", null, "db", SslMode.Disable)]
    [InlineData("postgres://u@localhost:5433/db?host=%2Frun%2Fpostgresql", "/run/postgresql", 5433, "u", null, "db", SslMode.Prefer)]
    public void TryParse_PostgreSql_UnderstandsEachPart(string value, string host, int port, string user, string? password, string database, SslMode mode)
    {
        Assert.True(DatabaseUrl.TryParse(value, "/srv", out var url, out _));
        var settings = new NpgsqlConnectionStringBuilder(url!.Value);
        Assert.Equal((DatabaseKind.PostgreSql, host, port, user, password, database, mode), (url.Kind, settings.Host, settings.Port, settings.Username, settings.Password, settings.Database, settings.SslMode));
    }

    [Theory]
    [InlineData("postgres://u:secret@/db")]
    [InlineData("postgres://u:secret@h")]
    [InlineData("postgres://:secret@h/db")]
    [InlineData("postgres://u:secret@h:port/db")]
    [InlineData("postgres://u:secret@h/db?sslmode=maybe")]
    [InlineData("postgres://u:secret@h/db?sslmode=1")]
    [InlineData("postgres://u:secret@h/db?options=-c%20x")]
    [InlineData("mysql://u:secret@h/db")]
    [InlineData("sqlite:")]
    [InlineData("sqlite:data/")]
    public void TryParse_Other_SaysWhatIsSupportedWithoutTheValue(string value)
    {
        Assert.False(DatabaseUrl.TryParse(value, "/srv", out _, out var problem));
        Assert.StartsWith("DATABASE_URL", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void ToString_PostgreSql_HoldsNoPassword()
    {
        DatabaseUrl.TryParse("postgres://u:secret@h/db", "/srv", out var url, out _);

        Assert.DoesNotContain("secret", url!.ToString(), StringComparison.Ordinal);
    }
}
