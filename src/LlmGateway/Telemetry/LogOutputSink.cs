using Serilog.Core;
using Serilog.Events;

namespace LlmGateway.Telemetry;

/// <summary>Serilog's way to the log output.</summary>
internal sealed class LogOutputSink(LogOutput output) : ILogEventSink
{
    public void Emit(LogEvent logEvent) => output.TryWrite(new SerilogLine(logEvent));
}
