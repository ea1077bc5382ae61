using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace LlmGateway.Usage;

/// <summary>
/// A prepared INSERT, bound column after column on SQLite's own interface: this is most of what a request's accounting costs, and ADO.NET's
/// parameters would multiply it. A bound value stays bound from row to row, so a column whose value repeats (agent, endpoint, key) is not bound again.
/// </summary>
internal sealed class SqliteInsert : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;
    private readonly Bound[] _bound;
    private byte[] _text = new byte[1024];
    private int _column;

    /// <summary>A row whose key is there already is left as it is, so that writing a batch again is harmless.</summary>
    public SqliteInsert(SqliteConnection connection, string table, string columns)
    {
        var count = columns.Count(c => c == ',') + 1;
        _bound = new Bound[count];
        var parameters = string.Join(',', Enumerable.Repeat('?', count));
        _database = connection.Handle!;
        Check(raw.sqlite3_prepare_v2(_database, $"INSERT INTO {table} ({columns}) VALUES ({parameters}) ON CONFLICT DO NOTHING", out _statement));
    }

    public void Bind(long value)
    {
        ref var bound = ref _bound[_column++];
        if (bound.Kind != BoundKind.Number || bound.Number != value)
        {
            Check(raw.sqlite3_bind_int64(_statement, _column, value));
            bound = new(BoundKind.Number, value, null);
        }
    }

    public void Bind(bool value) => Bind(value ? 1 : 0);

    public void Bind(TimeSpan value) => Bind(value.Ticks / TimeSpan.TicksPerMicrosecond);

    public void Bind(TimeSpan? value)
    {
        if (value is { } some)
        {
            Bind(some);
        }
        else
        {
            BindNull();
        }
    }

    public void Bind(Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        Check(raw.sqlite3_bind_blob(_statement, ++_column, bytes));
    }

    public void Bind(string? value)
    {
        if (value is null)
        {
            BindNull();
            return;
        }

        ref var bound = ref _bound[_column++];
        if (bound.Text == value)
        {
            return;
        }

        var most = Encoding.UTF8.GetMaxByteCount(value.Length);
        if (_text.Length < most)
        {
            _text = new byte[most];
        }

        // A lone surrogate becomes U+FFFD here and not an error. An empty span has no address, which SQLite takes for NULL.
        var length = Encoding.UTF8.GetBytes(value, _text);
        Check(length == 0
            ? raw.sqlite3_bind_text(_statement, _column, "")
            : raw.sqlite3_bind_text(_statement, _column, _text.AsSpan(0, length)));
        bound = new(BoundKind.Text, 0, value);
    }

    public void BindNull()
    {
        ref var bound = ref _bound[_column++];
        if (bound.Kind != BoundKind.Null)
        {
            Check(raw.sqlite3_bind_null(_statement, _column));
            bound = default;
        }
    }

    /// <summary>Inserts the row that was bound; false when its key was there already.</summary>
    public bool Execute()
    {
        _column = 0;
        var result = raw.sqlite3_step(_statement);
        raw.sqlite3_reset(_statement);
        if (result != raw.SQLITE_DONE)
        {
            Check(result);
        }

        return raw.sqlite3_changes(_database) != 0;
    }

    public void Dispose() => _statement.Dispose();

    private void Check(int result)
    {
        if (result != raw.SQLITE_OK)
        {
            _column = 0;
            throw new SqliteException(raw.sqlite3_errmsg(_database).utf8_to_string(), result);
        }
    }

    private enum BoundKind : byte
    {
        /// <summary>What a parameter is before it is bound.</summary>
        Null,
        Number,
        Text,
    }

    private readonly record struct Bound(BoundKind Kind, long Number, string? Text);
}
