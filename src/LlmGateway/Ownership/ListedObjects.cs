using System.Buffers;
using System.Text;
using System.Text.Json;

namespace LlmGateway.Ownership;

/// <summary>
/// The entries of a list as a provider answered it, and the same list without some of them: all other bytes stay, but for <c>first_id</c> and
/// <c>last_id</c> where they name an entry that is left out. A list is an array that is the answer or one of its members.
/// </summary>
internal sealed class ListedObjects
{
    /// <summary>What a provider says files of jobs are for.</summary>
    private static readonly string[] PurposesOfJobs = ["batch_output", "fine-tune-results", "assistants_output"];

    private readonly ReadOnlyMemory<byte> _json;
    private readonly List<ListedObject> _items = [];
    private readonly List<bool> _isFirst = [];
    private readonly List<(bool IsLast, int Start, int End, string? Id)> _cursors = [];

    private ListedObjects(ReadOnlyMemory<byte> json) => _json = json;

    /// <summary>All entries, in the order of the answer.</summary>
    public IReadOnlyList<ListedObject> Items => _items;

    /// <summary>Whether the provider says that there are entries behind these.</summary>
    public bool HasMore { get; private set; }

    /// <summary>Whether the answer to a call may be a list of objects that have owners: the last word of its path is no id.</summary>
    public static bool Concerns(string method, string path) =>
        HttpMethods.IsGet(method) && path.Split('/', StringSplitOptions.RemoveEmptyEntries) is [.., var last]
        && !ObjectId.IsLikely(last) && !last.Equals("content", StringComparison.OrdinalIgnoreCase);

    /// <summary>What an answer lists; null if it cannot be read.</summary>
    public static ListedObjects? Read(ReadOnlyMemory<byte> json)
    {
        var listed = new ListedObjects(json);
        var reader = new Utf8JsonReader(json.Span);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1)
                {
                    listed.ReadMember(ref reader);
                }
                else if (reader.TokenType == JsonTokenType.StartArray && reader.CurrentDepth == 0)
                {
                    listed.ReadArray(ref reader);
                }
            }

            return listed;
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The list without these entries.</summary>
    public ReadOnlyMemory<byte> Without(IReadOnlySet<int> hidden)
    {
        var json = _json.Span;
        var list = new ArrayBufferWriter<byte>(json.Length);
        var kept = Enumerable.Range(0, _items.Count).Where(i => !hidden.Contains(i) && _items[i].Id is not null).ToList();
        var gone = hidden.Select(i => _items[i].Id).ToHashSet(StringComparer.Ordinal);
        var changes = new List<(int Start, int End, string? Text)>(hidden.Count);
        var hasKept = false;
        for (var i = 0; i < _items.Count; i++)
        {
            hasKept &= !_isFirst[i];
            if (hidden.Contains(i))
            {
                // With the comma before it, or where nothing is left before it with the one behind it.
                var isLast = i + 1 == _items.Count || _isFirst[i + 1];
                changes.Add(hasKept ? (_items[i - 1].End, _items[i].End, null) : (_items[i].Start, isLast ? _items[i].End : _items[i + 1].Start, null));
            }
            else
            {
                hasKept = true;
            }
        }

        changes.AddRange(_cursors.Where(cursor => gone.Contains(cursor.Id)).Select(cursor => (
            cursor.Start, cursor.End, (string?)(kept.Count == 0 ? "null" : $"\"{JsonEncodedText.Encode(_items[cursor.IsLast ? kept[^1] : kept[0]].Id!)}\""))));
        var done = 0;
        foreach (var (start, end, text) in changes.OrderBy(change => change.Start))
        {
            list.Write(json[done..start]);
            list.Write(Encoding.UTF8.GetBytes(text ?? ""));
            done = end;
        }

        list.Write(json[done..]);
        return list.WrittenMemory;
    }

    private void ReadMember(ref Utf8JsonReader reader)
    {
        var (isFirst, isLast, isMore) = (reader.ValueTextEquals("first_id"u8), reader.ValueTextEquals("last_id"u8), reader.ValueTextEquals("has_more"u8));
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            ReadArray(ref reader);
            return;
        }

        if ((isFirst || isLast) && reader.TokenType == JsonTokenType.String)
        {
            _cursors.Add((isLast, (int)reader.TokenStartIndex, (int)reader.BytesConsumed, reader.GetString()));
        }

        HasMore |= isMore && reader.TokenType == JsonTokenType.True;
        reader.Skip();
    }

    private void ReadArray(ref Utf8JsonReader reader)
    {
        var isFirst = true;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            _items.Add(ReadItem(ref reader));
            _isFirst.Add(isFirst);
            isFirst = false;
        }
    }

    private static ListedObject ReadItem(ref Utf8JsonReader reader)
    {
        var start = (int)reader.TokenStartIndex;
        string? id = null;
        var isOfJob = false;
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
            {
                var (isId, isPurpose) = (reader.ValueTextEquals("id"u8), reader.ValueTextEquals("purpose"u8));
                reader.Read();
                if (reader.TokenType == JsonTokenType.String && (isId || isPurpose))
                {
                    var text = reader.GetString()!;
                    id = isId ? text : id;
                    isOfJob |= isPurpose && PurposesOfJobs.Contains(text, StringComparer.OrdinalIgnoreCase);
                }

                reader.Skip();
            }
        }
        else
        {
            reader.Skip();
        }

        return new ListedObject(id, isOfJob, start, (int)reader.BytesConsumed);
    }
}
