using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Ownership;

/// <summary>
/// Finds in the answer to one call the objects that it made: the <c>id</c> of what was posted to a collection, in whole answers and in the
/// events of a stream. What lies below an object (a thread's messages) is looked after with it and needs no owner of its own. Batches and
/// fine-tuning jobs make files later: whoever reads the job tells of them.
/// </summary>
internal sealed class AnsweredObjects
{
    /// <summary>One answer tells of no more.</summary>
    private const int MostFound = 1000;

    /// <summary>Their answers have an id and leave nothing behind.</summary>
    private static readonly string[] Passing = ["moderations", "rerank", "score", "classify", "pooling"];

    private readonly List<FoundObject> _found = [];
    private readonly Kind _kind;
    private readonly bool _isRun;
    private bool _hasAny;

    private AnsweredObjects(Kind kind, bool isRun) => (_kind, _isRun) = (kind, isRun);

    private enum Kind
    {
        Made,
        File,
        Jobs,
    }

    /// <summary>All that was found since this was last asked for.</summary>
    public IReadOnlyList<FoundObject> TakeFound()
    {
        if (_found.Count == 0)
        {
            return [];
        }

        FoundObject[] taken = [.. _found];
        _found.Clear();
        return taken;
    }

    /// <summary>Whether an event without usage may still tell of an object.</summary>
    public bool WantsEvents => _kind == Kind.Made && (_isRun || !_hasAny);

    /// <summary>What to look for in the answer to a call; null: nothing.</summary>
    public static AnsweredObjects? Of(string method, string path)
    {
        var segments = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var isPost = HttpMethods.IsPost(method);
        return segments switch
        {
            [var first, ..] when Is(first, "batches") && (isPost || HttpMethods.IsGet(method)) => new(segments.Length == 1 && isPost ? Kind.Made : Kind.Jobs, isRun: false),
            [var first, var second, ..] when Is(first, "fine_tuning") && Is(second, "jobs") && HttpMethods.IsGet(method) => new(Kind.Jobs, isRun: false),
            [var first, _, var last] when isPost && Is(first, "uploads") && Is(last, "complete") => new(Kind.File, isRun: false),
            [var first, _, var last] when isPost && Is(first, "videos") && Is(last, "remix") => new(Kind.Made, isRun: false),
            [var first, ..] when isPost && !segments.Any(ObjectId.IsLikely) && !Passing.Contains(first, StringComparer.OrdinalIgnoreCase) => new(Kind.Made, Is(first, "threads") && segments.Length > 1),
            _ => null,
        };

        static bool Is(string segment, string word) => segment.Equals(word, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>A whole answer; one that cannot be read tells nothing.</summary>
    public void Read(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            Read(document.RootElement);
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
        }
    }

    /// <summary>A whole answer, or one event.</summary>
    public void Read(JsonElement root)
    {
        switch (_kind)
        {
            case Kind.File:
                if (root.Find("file"u8) is { ValueKind: JsonValueKind.Object } file)
                {
                    Add(file.FindText("id"u8), null);
                }

                break;
            case Kind.Jobs:
                ReadJob(root);
                foreach (var job in Items(root, "data"u8))
                {
                    ReadJob(job);
                }

                break;
            default:
                ReadMade(root.Find("response"u8) is { ValueKind: JsonValueKind.Object } response ? response : root);
                break;
        }
    }

    /// <summary>The beginning of an answer that is too large to be read: what was made is named early.</summary>
    public void ReadBeginning(ReadOnlySpan<byte> json)
    {
        if (_kind != Kind.Made)
        {
            return;
        }

        var reader = new Utf8JsonReader(json, isFinalBlock: false, default);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1 && reader.ValueTextEquals("id"u8))
                {
                    if (reader.Read() && reader.TokenType == JsonTokenType.String)
                    {
                        Add(reader.GetString(), null);
                    }

                    return;
                }
            }
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            // What cannot be read tells nothing.
        }
    }

    private static IEnumerable<JsonElement> Items(JsonElement parent, ReadOnlySpan<byte> name) =>
        parent.Find(name) is { ValueKind: JsonValueKind.Array } items ? items.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object) : [];

    private void ReadMade(JsonElement made)
    {
        if (made.Find("store"u8) is { ValueKind: JsonValueKind.False })
        {
            // It is kept nowhere: nobody can ask for it.
            return;
        }

        Add(made.FindText("id"u8), null);
        if (_isRun)
        {
            Add(made.FindText("thread_id"u8), null);
        }

        foreach (var item in Items(made, "output"u8))
        {
            Add(item.FindText("container_id"u8), null);
        }
    }

    private void ReadJob(JsonElement job)
    {
        if (job.FindText("id"u8) is not { } id)
        {
            return;
        }

        Add(job.FindText("output_file_id"u8), id);
        Add(job.FindText("error_file_id"u8), id);
        if (job.Find("result_files"u8) is { ValueKind: JsonValueKind.Array } files)
        {
            foreach (var file in files.EnumerateArray())
            {
                Add(file.ValueKind == JsonValueKind.String ? file.GetString() : null, id);
            }
        }
    }

    private void Add(string? id, string? parent)
    {
        if (id is not null && _found.Count < MostFound && ObjectId.IsLikely(id))
        {
            _hasAny = true;
            _found.Add(new FoundObject(id, parent));
        }
    }
}
