using System.Data.Common;

namespace LlmGateway.Database;

/// <summary>A database of either kind: one connection, opened when first needed and again after a failure, used by one thread.</summary>
internal sealed class ThreadedDatabase(
    IDatabaseConnector connector, IEnumerable<IDatabaseSchema> schemas, DatabaseHealth health, TimeProvider time) : IDatabase
{
    /// <summary>After a failed try to open it nobody tries again for so long: the work that waits must not wait a time-out each.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly DatabaseThread _thread = new("database");
    private readonly IDatabaseSchema[] _schemas = [.. schemas];

    /// <summary>Only the thread uses these.</summary>
    private DbConnection? _connection;
    private long _failedAt;
    private DatabaseUnavailableException? _failure;

    private int _isDisposed;

    public DatabaseKind Kind => connector.Kind;

    public bool IsUp => health.IsUp;

    public Task<T> RunAsync<T>(Func<DbConnection, T> work, CancellationToken cancellationToken) => _thread.RunAsync(() => Run(work), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            await _thread.RunAsync(
                () =>
                {
                    Close();
                    return true;
                },
                CancellationToken.None);
            _thread.Dispose();
        }
    }

    private T Run<T>(Func<DbConnection, T> work)
    {
        try
        {
            var result = work(Open());
            health.MarkUp();
            return result;
        }
        catch (DatabaseSchemaException exception)
        {
            health.MarkDown(exception.Message);
            throw;
        }
        catch (Exception exception) when (exception is not DatabaseUnavailableException && connector.Explain(exception) is not null)
        {
            throw Fail(exception);
        }
    }

    private DatabaseUnavailableException Fail(Exception exception)
    {
        var trouble = connector.Explain(exception)!.Value;
        var failure = new DatabaseUnavailableException(trouble.Reason, exception);
        if (_connection is null)
        {
            (_failedAt, _failure) = (time.GetTimestamp(), failure);
        }
        else if (!trouble.KeepsConnection)
        {
            Close();
        }

        health.MarkDown(trouble.Reason);
        return failure;
    }

    private DbConnection Open()
    {
        if (_connection is { } open)
        {
            if (!connector.IsStale(open))
            {
                return open;
            }

            Close();
        }

        if (_failure is { } failure && time.GetElapsedTime(_failedAt) < Pause)
        {
            throw failure;
        }

        _failure = null;
        var connection = connector.Open();
        try
        {
            DatabaseSchemas.Apply(connection, connector, _schemas);
        }
        catch
        {
            connection.Dispose();
            throw;
        }

        return _connection = connection;
    }

    private void Close()
    {
        var connection = _connection;
        _connection = null;
        if (connection is null)
        {
            return;
        }

        try
        {
            connector.Close(connection);
        }
#pragma warning disable CA1031 // It is broken already; how it ends is nobody's concern.
        catch (Exception)
#pragma warning restore CA1031
        {
            // A new one is opened.
        }
    }
}
