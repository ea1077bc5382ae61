using LlmGateway.Configuration;

namespace LlmGateway.Tests.Configuration;

public sealed class SettingsSourceTests
{
    [Fact]
    public void Find_EverySource_NearestWins()
    {
        using var work = new ConfigWorkspace(("A", "variable"), ("E", ""));
        work.Write(".env", "A=dotenv\nB=dotenv\nE=dotenv");
        work.Write("app/appsettings.Development.json", """{ "A": "own", "B": "own", "C": "own", "LLM_TIMEOUT": 42 }""");
        work.Write("app/appsettings.json", """{ /* shared */ "A": "shared", "C": "shared", "D": "shared", "Logging": { "A": 1 }, }""");

        var settings = work.ReadSettings().Settings;

        Assert.Equal(["variable", "dotenv", "own", "shared", "dotenv"], new[] { "A", "B", "C", "D", "E" }.Select(settings.Find));
        Assert.Equal("42", settings.Find("LLM_TIMEOUT"));
        Assert.Null(settings.Find("Logging"));
        Assert.Null(Environment.GetEnvironmentVariable("B"));
    }

    [Theory]
    [InlineData("ENVIRONMENT=from-dotenv", "{}", "from-dotenv")]
    [InlineData("", """{ "ENVIRONMENT": "from-app" }""", "from-app")]
    [InlineData("", "{}", "development")]
    public void Environment_UnsetVariable_ComesFromFiles(string dotEnv, string appSettings, string expected)
    {
        using var work = new ConfigWorkspace();
        work.Write(".env", dotEnv).Write("app/appsettings.json", appSettings);

        Assert.Equal(expected, work.ReadSettings().Host.Environment);
    }

    [Fact]
    public void Environment_PathInName_IsRefused()
    {
        using var work = new ConfigWorkspace(("ENVIRONMENT", "../../etc/passwd"));

        Assert.Contains(work.LoadBad(), problem => problem.Contains("ENVIRONMENT"));
    }

    [Fact]
    public void Parse_DotEnvForms_AreRead()
    {
        var problems = new List<ConfigProblem>();
        const string Text = "\uFEFF# comment\r\nexport A=1\r\nB = \"two words\" # why\r\nC='lit $X \\n'\r\nD=a#b\r\nE=a # b\r\nF=\"x\\ny\\\"$Z\"\r\nG=\r\n\r\nH=k=v==";

        var values = DotEnvFile.Parse(Text, ".env", problems);

        Assert.Empty(problems);
        Assert.Equal(["1", "two words", "lit $X \\n", "a#b", "a", "x\ny\"$Z", "", "k=v=="], values.OrderBy(pair => pair.Key).Select(pair => pair.Value));
    }

    [Fact]
    public void Parse_DotEnvMistakes_AreToldByLineWithoutContent()
    {
        var problems = new List<ConfigProblem>();

        DotEnvFile.Parse("A=1\nsk-secret\nB=\"sk-open", ".env", problems);

        Assert.Equal([2, 3], problems.Select(problem => problem.Line));
        Assert.DoesNotContain(problems, problem => problem.ToString().Contains("sk-"));
    }

    [Fact]
    public void Load_BrokenAppSettings_IsToldWithLine()
    {
        using var work = new ConfigWorkspace();
        work.Write("app/appsettings.json", "{\n  \"A\": 1,\n  \"A\": 2,\n  oops\n}");

        var problems = work.LoadBad();

        Assert.Contains(problems, problem => problem.StartsWith("appsettings.json:3:", StringComparison.Ordinal));
        Assert.Contains(problems, problem => problem.StartsWith("appsettings.json:4:", StringComparison.Ordinal));
    }
}
