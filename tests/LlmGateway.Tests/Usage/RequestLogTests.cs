using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Telemetry;
using LlmGateway.Usage;

namespace LlmGateway.Tests.Usage;

public sealed class RequestLogTests
{
    [Fact]
    public void Write_HostileUser_IsOneLineWithoutSecrets()
    {
        using var stream = new MemoryStream();
        using (var output = new LogOutput(stream, LogFormat.Json, new GatewayMetrics(), TimeProvider.System))
        {
            new RequestLog(output).Write(UsageFixture.Record(null, FailureReason.Timeout, FailureReason.None) with { UserId = "x\n\u001b\"\ud800" });
        }

        var text = Encoding.UTF8.GetString(stream.ToArray());
        using var document = JsonDocument.Parse(text);
        var root = document.RootElement;
        Assert.Single(text, '\n');
        Assert.Equal("x\n\u001b\"\ufffd", root.GetProperty("user").GetString());
        Assert.Equal("timeout", root.GetProperty("fallback_reason").GetString());
        Assert.Equal(2, root.GetProperty("attempts").GetInt32());
        Assert.Equal(1500, root.GetProperty("duration_ms").GetDouble());
        Assert.Equal(100, root.GetProperty("input_tokens").GetInt64());
        Assert.DoesNotContain(UsageFixture.Secret, text, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_ForDebugging_TellsEachCallBeforeTheRequest()
    {
        using var stream = new MemoryStream();
        using (var output = new LogOutput(stream, LogFormat.Json, new GatewayMetrics(), TimeProvider.System))
        {
            new RequestLog(output, isDebug: true).Write(UsageFixture.Record(null, FailureReason.Timeout, FailureReason.None));
        }

        var lines = Encoding.UTF8.GetString(stream.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line)).ToList();
        Assert.Equal(["attempt", "attempt", "request"], lines.Select(line => line.GetProperty("message").GetString()));
        Assert.Equal([(1, "timeout"), (2, "success")], lines.Take(2).Select(line => (line.GetProperty("number").GetInt32(), line.GetProperty("outcome").GetString()!)));
        Assert.All(lines.Take(2), line => Assert.Equal("debug", line.GetProperty("level").GetString()));
    }
}
