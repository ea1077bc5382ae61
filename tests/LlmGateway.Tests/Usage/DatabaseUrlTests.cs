using LlmGateway.Usage;

namespace LlmGateway.Tests.Usage;

public sealed class DatabaseUrlTests
{
    [Theory]
    [InlineData("sqlite:data/gateway.db", "/srv/data/gateway.db")]
    [InlineData("SQLITE:/var/x.db", "/var/x.db")]
    [InlineData("sqlite:///var/x.db", "/var/x.db")]
    public void TryParse_Sqlite_ResolvesAgainstWorkingDirectory(string value, string path)
    {
        Assert.True(DatabaseUrl.TryParse(value, "/srv", out var url, out _));
        Assert.Equal(path, url!.Path);
    }

    [Theory]
    [InlineData("postgres://u:secret@h/db")]
    [InlineData("postgresql://u:secret@h/db")]
    [InlineData("mysql://u:secret@h/db")]
    [InlineData("sqlite:")]
    [InlineData("sqlite:data/")]
    public void TryParse_Other_SaysWhatIsSupportedWithoutTheValue(string value)
    {
        Assert.False(DatabaseUrl.TryParse(value, "/srv", out _, out var problem));
        Assert.StartsWith("DATABASE_URL", problem, StringComparison.Ordinal);
        Assert.Contains("sqlite", problem, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("secret", problem, StringComparison.Ordinal);
    }
}
