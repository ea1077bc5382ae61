using System.Threading.Channels;

namespace LlmGateway.Telemetry;

/// <summary>
/// Where every log line ends: a bounded queue and one thread of its own that formats and writes, many lines at a time. Nobody waits for it.
/// When the output does not take lines (a full pipe), new ones are dropped and counted, and a line says so once it flows again.
/// </summary>
internal sealed class LogOutput : IDisposable
{
    public const int Capacity = 10_000;

    private const int FlushBytes = 48 * 1024;

    /// <summary>Lines gather this long after the first, so that a busy gateway wakes the thread a hundred times a second and not for each request.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan DisposeLimit = TimeSpan.FromSeconds(2);

    private static readonly LogField Dropped = new("dropped");

    private readonly Channel<ILogLine> _lines = Channel.CreateBounded<ILogLine>(new BoundedChannelOptions(Capacity)
    {
        SingleReader = true,
        FullMode = BoundedChannelFullMode.Wait,
        AllowSynchronousContinuations = false,
    });

    // They are waited for in milliseconds: spinning first, which is the default, only takes the processor from those who work.
    private readonly ManualResetEventSlim _hasLines = new(initialState: false, spinCount: 0);
    private readonly ManualResetEventSlim _stopping = new(initialState: false, spinCount: 0);
    private readonly Stream _stream;
    private readonly LogLineWriter _writer;
    private readonly NumberSeries _dropped;
    private readonly TimeProvider _time;
    private readonly Thread _thread;
    private long _droppedReported;

    public LogOutput(Stream stream, LogFormat format, GatewayMetrics metrics, TimeProvider time)
    {
        _stream = stream;
        _writer = LogLineWriter.Create(format);
        _dropped = metrics.LogLinesDropped;
        _time = time;
        _thread = new Thread(Run) { IsBackground = true, Name = "log" };
        _thread.Start();
    }

    public TimeProvider Time => _time;

    /// <summary>Hands a line over; false if it was dropped.</summary>
    public bool TryWrite(ILogLine line)
    {
        if (_lines.Writer.TryWrite(line))
        {
            if (!_hasLines.IsSet)
            {
                _hasLines.Set();
            }

            return true;
        }

        _dropped.Add(1);
        return false;
    }

    /// <summary>Writes what is queued, as far as the output takes it within two seconds.</summary>
    public void Dispose()
    {
        if (_lines.Writer.TryComplete())
        {
            _stopping.Set();
            _hasLines.Set();
            _thread.Join(DisposeLimit);
        }
    }

    private void Run()
    {
        // This thread is its own: it may wait, and it writes even when the pool is starved, which is when logs are wanted.
        while (!_lines.Reader.Completion.IsCompleted)
        {
            _hasLines.Wait(Timeout.Infinite);
            _stopping.Wait(Gather);
            if (!_stopping.IsSet)
            {
                _hasLines.Reset();
            }

            while (_lines.Reader.TryRead(out var line))
            {
                Format(line);
                if (_writer.Length >= FlushBytes)
                {
                    Flush();
                }
            }

            ReportDropped();
            Flush();
        }
    }

    private void Format(ILogLine line)
    {
        try
        {
            line.WriteTo(_writer);
        }
#pragma warning disable CA1031 // A value whose ToString throws must not end all logging; its line is lost and counted.
        catch (Exception)
#pragma warning restore CA1031
        {
            _dropped.Add(1);
        }
    }

    private void ReportDropped()
    {
        var dropped = _dropped.Value;
        if (dropped != _droppedReported)
        {
            _writer.Begin(_time.GetUtcNow(), LogLevel.Warning, "log lines were dropped because the output did not take them");
            _writer.Property(Dropped, dropped - _droppedReported);
            _writer.End();
            _droppedReported = dropped;
        }
    }

    private void Flush()
    {
        if (_writer.Length == 0)
        {
            return;
        }

        try
        {
            _stream.Write(_writer.Written);
            _stream.Flush();
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or UnauthorizedAccessException)
        {
            // Nobody reads any more (a closed pipe, a full disk): the lines are gone; counting them is all that is left.
            _dropped.Add(_writer.Written.Count((byte)'\n'));
        }
        finally
        {
            _writer.Clear();
        }
    }
}
