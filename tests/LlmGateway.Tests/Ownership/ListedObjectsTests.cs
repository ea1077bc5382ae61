using System.Text;
using LlmGateway.Ownership;

namespace LlmGateway.Tests.Ownership;

/// <summary>Lists without some of their entries: what is left stays byte for byte.</summary>
public sealed class ListedObjectsTests
{
    [Theory]
    [InlineData("""{"object":"list","data":[{"id":"a1"}, {"id":"b1"} ,{"id":"c1"}],"has_more":false}""", "b1", """{"object":"list","data":[{"id":"a1"} ,{"id":"c1"}],"has_more":false}""")]
    [InlineData("""{"data":[ {"id":"a1"}, {"id":"b1"} ]}""", "a1", """{"data":[ {"id":"b1"} ]}""")]
    [InlineData("""{"data":[ {"id":"a1"}, {"id":"b1"} ]}""", "b1", """{"data":[ {"id":"a1"} ]}""")]
    [InlineData("""{"data":[ {"id":"a1"}, {"id":"b1"} ]}""", "a1 b1", """{"data":[  ]}""")]
    [InlineData("""{"data":[{"id":"a1"},{"id":"b1"},{"id":"c1"},{"id":"d1"}],"first_id":"a1","last_id":"d1"}""", "a1 c1 d1", """{"data":[{"id":"b1"}],"first_id":"b1","last_id":"b1"}""")]
    [InlineData("""{"first_id":"a1", "last_id" : "b1","data":[{"id":"a1"},{"id":"b1"}],"has_more":true}""", "a1 b1", """{"first_id":null, "last_id" : null,"data":[],"has_more":true}""")]
    [InlineData("""{"data":[{"id":"a1"},{"id":"b1"}],"first_id":"a1","last_id":"b1"}""", "b1", """{"data":[{"id":"a1"}],"first_id":"a1","last_id":"a1"}""")]
    [InlineData("""[{"id":"a1","x":{"id":"b1"}},{"id":"b1"}]""", "b1", """[{"id":"a1","x":{"id":"b1"}}]""")]
    [InlineData("""{"data":[1,{"id":"a1"},null,{"no":1}],"other":[{"id":"a1"},"x"]}""", "a1", """{"data":[1,null,{"no":1}],"other":["x"]}""")]
    [InlineData("""{"data":[{"x":[{"id":"a1"}],"id":"b\u0031","é":"ü"}],"deep":{"data":[{"id":"b1"}]}}""", "b1", """{"data":[],"deep":{"data":[{"id":"b1"}]}}""")]
    public void Without_some_the_rest_stays(string list, string hidden, string rest)
    {
        var listed = ListedObjects.Read(Encoding.UTF8.GetBytes(list))!;
        var gone = Enumerable.Range(0, listed.Items.Count).Where(i => hidden.Split(' ').Contains(listed.Items[i].Id)).ToHashSet();

        Assert.Equal(rest, Encoding.UTF8.GetString(listed.Without(gone).Span));
        Assert.Equal(list, Encoding.UTF8.GetString(listed.Without(new HashSet<int>()).Span));
    }

    [Theory]
    [InlineData("""{"data":[{"id":"file-1","purpose":"batch_output"},{"purpose":"fine-tune-results","id":"file-2"},{"id":"file-3","purpose":"batch"}],"has_more":true}""", "file-1* file-2* file-3", true)]
    [InlineData("""{"data":[],"has_more":false}""", "", false)]
    [InlineData("7", "", false)]
    public void What_jobs_have_made_is_told_by_its_purpose(string list, string items, bool hasMore)
    {
        var listed = ListedObjects.Read(Encoding.UTF8.GetBytes(list))!;

        Assert.Equal(items, string.Join(' ', listed.Items.Select(item => item.Id + (item.IsOfJob ? "*" : ""))));
        Assert.Equal(hasMore, listed.HasMore);
    }

    [Theory]
    [InlineData("""{"data":[{"id":"file-1"}""")]
    [InlineData("no list")]
    public void What_cannot_be_read_is_no_list(string text) => Assert.Null(ListedObjects.Read(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("GET", "files", true)]
    [InlineData("GET", "batches/", true)]
    [InlineData("GET", "vector_stores/vs_1/files", true)]
    [InlineData("GET", "files/file-1", false)]
    [InlineData("GET", "files/file-1/content", false)]
    [InlineData("POST", "files", false)]
    public void Lists_are_told_by_their_paths(string method, string path, bool isList) => Assert.Equal(isList, ListedObjects.Concerns(method, path));
}
