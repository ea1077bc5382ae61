namespace LlmGateway.Tests.Deployment;

public sealed class DockerfileTests
{
    [Fact]
    public void Image_HasNoShellAndNoAlpine()
    {
        Assert.EndsWith("-chiseled", Dockerfile.Only("FROM"), StringComparison.Ordinal);
        Assert.DoesNotContain(Dockerfile.Final, line => line.StartsWith("RUN ", StringComparison.Ordinal));
        Assert.DoesNotContain(Dockerfile.Lines, line => line.Contains("alpine", StringComparison.OrdinalIgnoreCase));
        Assert.All([Dockerfile.Only("ENTRYPOINT"), Dockerfile.Only("HEALTHCHECK")], command => Assert.EndsWith("]", command, StringComparison.Ordinal));
    }

    [Fact]
    public void Image_RunsAsNobodyAndShowsNothing()
    {
        Assert.True(int.Parse(Dockerfile.User, System.Globalization.CultureInfo.InvariantCulture) > 0);
        Assert.Equal("0", Dockerfile.Environment["DOTNET_EnableDiagnostics"]);
        Assert.Contains(Dockerfile.Final, line => line.Contains($"--chown={Dockerfile.User}:{Dockerfile.User}", StringComparison.Ordinal));
    }

    [Fact]
    public void Image_ListensAtThePortThatItExposes() =>
        Assert.Equal($"http://0.0.0.0:{Dockerfile.Only("EXPOSE")}", Dockerfile.Environment["ASPNETCORE_URLS"]);

    [Fact]
    public void Image_IsBuiltFromFilesThatAreThere()
    {
        var ignored = Repository.ReadText(".dockerignore").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var sources = Dockerfile.Lines.Where(line => line.StartsWith("COPY ", StringComparison.Ordinal) && !line.Contains("--from", StringComparison.Ordinal))
            .SelectMany(line => line.Split(' ')[1..^1]).ToList();

        Assert.True(sources.Count >= 6);
        Assert.All(sources, source => Assert.True(Path.Exists(Repository.PathOf(source)), source));
        Assert.All(sources, source => Assert.DoesNotContain(source.Split('/')[0], ignored));
        Assert.Contains(".env", ignored);
        Assert.Contains("config/gateway_keys.json", ignored);
    }
}
