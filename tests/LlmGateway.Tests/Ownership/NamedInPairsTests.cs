using System.Text;
using LlmGateway.Ownership;

namespace LlmGateway.Tests.Ownership;

/// <summary>Which objects a query or an encoded form names.</summary>
public sealed class NamedInPairsTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("?", "")]
    [InlineData("?after=file-1&limit=20", "file-1")]
    [InlineData("?limit=20&order=desc&before=file-1", "file-1")]
    [InlineData("?previous_response_id=resp_1&x", "resp_1")]
    [InlineData("?file_ids[]=file-1&file_ids%5B%5D=file-2", "file-1 file-2")]
    [InlineData("?file_ids=file-1,file-2%2Cfile-3", "file-1 file-2 file-3")]
    [InlineData("?FILE%5fID=%66ile-1", "file-1")]
    [InlineData("?x=1;file_id=file-1", "file-1")]
    [InlineData("?container[file_id]=file-1", "file-1")]
    [InlineData("?purpose=no-1&starting_after=7&file_id=&=no-2", "")]
    public void Values_of_references_are_found(string query, string named)
    {
        Assert.Equal(named, string.Join(' ', NamedInPairs.InQuery(query)));

        // A body, wherever it is cut.
        var bytes = Encoding.UTF8.GetBytes(query.TrimStart('?'));
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            var pairs = new NamedInPairs();
            pairs.Read(bytes.AsSpan(0, cut));
            var found = pairs.TakeFound().ToList();
            pairs.Read(bytes.AsSpan(cut));
            found.AddRange(pairs.TakeFound());

            Assert.Equal(named, string.Join(' ', found.Where(id => named.Length == 0 || named.Split(' ').Contains(id)).Distinct()));
        }
    }

    [Fact]
    public void A_pair_that_is_too_long_holds_no_id_and_the_next_one_does()
    {
        var pairs = new NamedInPairs();

        pairs.Read(Encoding.UTF8.GetBytes("file_id=" + new string('1', 1 << 20) + "&file_id=file-1"));

        Assert.Equal(["file-1"], pairs.TakeFound());
    }
}
