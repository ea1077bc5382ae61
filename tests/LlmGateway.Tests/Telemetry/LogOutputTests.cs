using System.Text;
using System.Text.Json;
using LlmGateway.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmGateway.Tests.Telemetry;

public sealed class LogOutputTests
{
    private const string Hostile = "a\nb\r\u001b[31m\"quote\" \\ \ud800 \u2028 \u0085 \u007f é {x}";

    [Fact]
    public void Json_HostileValues_AreOneObjectALine()
    {
        var lines = Logged(LogFormat.Json, logger => logger.LogError(new EventId(7, "Odd"), new InvalidOperationException(Hostile), "said {UserText} {Count}", Hostile, 5));

        using var document = JsonDocument.Parse(Assert.Single(lines));
        var root = document.RootElement;
        var expected = Hostile.Replace('\ud800', '\ufffd');
        Assert.Equal("error", root.GetProperty("level").GetString());
        Assert.Equal($"said {expected} 5", root.GetProperty("message").GetString());
        Assert.Equal(expected, root.GetProperty("user_text").GetString());
        Assert.Equal(5, root.GetProperty("count").GetInt32());
        Assert.Equal(7, root.GetProperty("event_id").GetInt32());
        Assert.Equal("Odd", root.GetProperty("name").GetString());
        Assert.Equal("LlmGateway.Test", root.GetProperty("category").GetString());
        Assert.Contains("InvalidOperationException", root.GetProperty("exception").GetString(), StringComparison.Ordinal);
        Assert.EndsWith("Z", root.GetProperty("time").GetString(), StringComparison.Ordinal);
    }

    // YARP logs a property called message: the line then held two members of that name.
    [Fact]
    public void Json_PropertyNamedAsTheLinesOwn_StandsBesideIt()
    {
        var lines = Logged(LogFormat.Json, logger => logger.LogError("{Error}: {Message}", "Odd", "why"));

        using var document = JsonDocument.Parse(Assert.Single(lines), new JsonDocumentOptions { AllowDuplicateProperties = false });
        Assert.Equal("Odd: why", document.RootElement.GetProperty("message").GetString());
        Assert.Equal("why", document.RootElement.GetProperty("message_").GetString());
    }

    [Theory]
    [InlineData(LogFormat.Json)]
    [InlineData(LogFormat.Text)]
    public void AnyFormat_HostileValues_LeaveNoControlCharacterRaw(LogFormat format)
    {
        var line = Assert.Single(Logged(format, logger => logger.LogError(new InvalidOperationException(Hostile), "said {Text}", Hostile)));

        Assert.DoesNotContain(line, c => char.IsControl(c) || c is '\u2028' or '\u2029');
        Assert.Contains("é", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Levels_Default_KeepFrameworkNoiseAndDebugOut()
    {
        var lines = Logged(LogFormat.Text, _ => { }, factory =>
        {
            factory.CreateLogger("Microsoft.AspNetCore.Routing").LogInformation("framework noise");
            factory.CreateLogger("Yarp.ReverseProxy").LogInformation("proxy noise");
            factory.CreateLogger("LlmGateway.Routing").LogDebug("detail");
            factory.CreateLogger("LlmGateway.Routing").LogInformation("kept");
        });

        Assert.Contains("INF kept", Assert.Single(lines), StringComparison.Ordinal);
    }

    [Fact]
    public void TryWrite_OutputBlocked_DropsAndCountsWithoutWaiting()
    {
        using var stream = new BlockedStream();
        var metrics = new GatewayMetrics();
        using (var output = new LogOutput(stream, LogFormat.Text, metrics, TimeProvider.System))
        {
            output.TryWrite(new TestLine());
            stream.WriteBegan.Wait(TestContext.Current.CancellationToken);
            for (var i = 0; i < LogOutput.Capacity + 5; i++)
            {
                output.TryWrite(new TestLine());
            }

            Assert.Equal(5, metrics.LogLinesDropped.Value);
            stream.Unblock.Set();
        }

        Assert.Contains("log lines were dropped because the output did not take them dropped=5", Encoding.UTF8.GetString(stream.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    public void From_Variables_ChooseFormatAndLevel()
    {
        var settings = LoggingSettings.From(name => name switch { "LOG_FORMAT" => "text", "LLM_DEBUG" => "True", _ => null });

        Assert.Equal((LogFormat.Text, true), (settings.Format, settings.IsDebug));
    }

    private static string[] Logged(LogFormat format, Action<ILogger> log, Action<ILoggerFactory>? more = null)
    {
        using var stream = new MemoryStream();
        using (var services = new ServiceCollection().AddTelemetry(new LoggingSettings { Format = format, Output = stream }).BuildServiceProvider())
        {
            var factory = services.GetRequiredService<ILoggerFactory>();
            log(factory.CreateLogger("LlmGateway.Test"));
            more?.Invoke(factory);
        }

        var text = Encoding.UTF8.GetString(stream.ToArray());
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        return text[..^1].Split('\n');
    }

    private sealed class TestLine : ILogLine
    {
        public void WriteTo(LogLineWriter writer)
        {
            writer.Begin(DateTimeOffset.UnixEpoch, LogLevel.Information, "x");
            writer.End();
        }
    }

    private sealed class BlockedStream : MemoryStream
    {
        public ManualResetEventSlim WriteBegan { get; } = new();

        public ManualResetEventSlim Unblock { get; } = new();

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            WriteBegan.Set();
            Unblock.Wait();
            base.Write(buffer);
        }

        protected override void Dispose(bool disposing)
        {
            WriteBegan.Dispose();
            Unblock.Dispose();
            base.Dispose(disposing);
        }
    }
}
