using LlmGateway.Telemetry;
using Serilog.Core;
using Serilog.Events;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>A file with all that a gateway has to say, down to Trace, each line as its log would have it; beside that log, which stays as its settings make it.</summary>
internal sealed class TraceLog : ILogEventSink, IDisposable
{
    private readonly Lock _lock = new();
    private readonly LogLineWriter _writer = LogLineWriter.Create(LogFormat.Json);
    private readonly FileStream _file;
    private bool _isDisposed;

    /// <param name="path">The file; it may stand there.</param>
    /// <param name="buffer">Bytes that may wait for more; 0 for a process that may be killed at any time.</param>
    public TraceLog(string path, int buffer) => _file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, buffer);

    public void Emit(LogEvent logEvent)
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            new SerilogLine(logEvent).WriteTo(_writer);
            _file.Write(_writer.Written);
            _writer.Clear();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _file.Dispose();
        }
    }
}
