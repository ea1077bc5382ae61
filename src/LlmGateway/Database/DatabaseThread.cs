using System.Collections.Concurrent;

namespace LlmGateway.Database;

/// <summary>One thread that does a database's work in turn. SQLite waits synchronously for locks and disks, for seconds; pool threads must not.</summary>
internal sealed class DatabaseThread : IDisposable
{
    /// <summary>Beyond this many waiting, a database is too slow to be waited for.</summary>
    private const int MostWaiting = 4096;

    private readonly BlockingCollection<Action> _work = new(MostWaiting);
    private readonly Thread _thread;

    public DatabaseThread(string name)
    {
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <exception cref="DatabaseUnavailableException">Too much is waiting already, or no more work is taken.</exception>
    public Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!TryAdd(() => Complete(done, work, cancellationToken)))
        {
            done.SetException(new DatabaseUnavailableException("too much is waiting for it"));
        }

        // Whoever stops waiting does not see how it ends; nobody else needs to.
        _ = done.Task.ContinueWith(
            static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return done.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Takes no more work; what is queued is still done.</summary>
    public void Dispose() => _work.CompleteAdding();

    private static void Complete<T>(TaskCompletionSource<T> done, Func<T> work, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            done.SetCanceled(cancellationToken);
            return;
        }

        try
        {
            done.SetResult(work());
        }
#pragma warning disable CA1031 // Whoever awaits gets it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            done.SetException(exception);
        }
    }

    private bool TryAdd(Action work)
    {
        try
        {
            return _work.TryAdd(work);
        }
        catch (InvalidOperationException)
        {
            // Disposed: no more is taken.
            return false;
        }
    }

    private void Run()
    {
        foreach (var work in _work.GetConsumingEnumerable())
        {
            work();
        }

        _work.Dispose();
    }
}
