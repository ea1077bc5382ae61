using System.Text;
using System.Text.Json;
using LlmGateway.Ownership;

namespace LlmGateway.Tests.Ownership;

public sealed class AnsweredObjectsTests
{
    [Theory]
    [InlineData("POST", "files", """{"id":"file-1","filename":"x"}""", "file-1")]
    [InlineData("POST", "files/", """{"id":"file-1"}""", "file-1")]
    [InlineData("POST", "responses", """{"id":"resp_1","store":true,"output":[{"id":"msg_1"},{"container_id":"cntr_1"}]}""", "resp_1 cntr_1")]
    [InlineData("POST", "responses", """{"type":"response.created","response":{"id":"resp_1"}}""", "resp_1")]
    [InlineData("POST", "responses", """{"id":"resp_1","store":false}""", "")]
    [InlineData("POST", "threads/runs", """{"id":"run_1","thread_id":"thread_1"}""", "run_1 thread_1")]
    [InlineData("POST", "threads", """{"id":"thread_1","thread_id":"thread_2"}""", "thread_1")]
    [InlineData("POST", "uploads/upload_1/complete", """{"id":"upload_1","file":{"id":"file-1"}}""", "file-1")]
    [InlineData("POST", "videos/video_1/remix", """{"id":"video_2"}""", "video_2")]
    [InlineData("POST", "batches", """{"id":"batch_1","output_file_id":null}""", "batch_1")]
    [InlineData("GET", "batches/batch_1", """{"id":"batch_1","output_file_id":"file-2","error_file_id":"file-3"}""", "file-2<batch_1 file-3<batch_1")]
    [InlineData("POST", "batches/batch_1/cancel", """{"id":"batch_1","output_file_id":"file-2"}""", "file-2<batch_1")]
    [InlineData("GET", "batches", """{"data":[{"id":"batch_1","output_file_id":"file-2"},{"id":"batch_2"},7]}""", "file-2<batch_1")]
    [InlineData("GET", "fine_tuning/jobs/ftjob-1", """{"id":"ftjob-1","result_files":["file-4",5]}""", "file-4<ftjob-1")]
    [InlineData("POST", "files", """{"id":7}""", "")]
    [InlineData("POST", "files", """{"id":"word"}""", "")]
    [InlineData("POST", "files", """{"id":null,"data":[{"id":"file-9"}]}""", "")]
    public void What_a_call_has_made_is_found(string method, string path, string answer, string found)
    {
        var objects = AnsweredObjects.Of(method, path)!;

        using var document = JsonDocument.Parse(answer);
        objects.Read(document.RootElement);

        Assert.Equal(found, Text(objects));
        Assert.Equal("", Text(objects));
    }

    [Theory]
    [InlineData("GET", "files")]
    [InlineData("GET", "files/file-1")]
    [InlineData("DELETE", "files/file-1")]
    [InlineData("POST", "threads/thread_1")]
    [InlineData("POST", "threads/thread_1/messages")]
    [InlineData("POST", "vector_stores/vs_1/files")]
    [InlineData("POST", "moderations")]
    [InlineData("POST", "rerank")]
    public void Other_calls_make_nothing_that_needs_an_owner(string method, string path) => Assert.Null(AnsweredObjects.Of(method, path));

    [Theory]
    [InlineData("""{"object":{"id":"no-1"},"id":"resp_1","output":[{"resu""", "resp_1")]
    [InlineData("""{"object":"response","output":[{"id":"no-1","result":"AAAA""", "")]
    [InlineData("""{"id":"res""", "")]
    [InlineData("no json", "")]
    public void Of_an_answer_that_is_too_large_the_beginning_is_enough(string beginning, string found)
    {
        var objects = AnsweredObjects.Of("POST", "responses")!;

        objects.ReadBeginning(Encoding.UTF8.GetBytes(beginning));

        Assert.Equal(found, Text(objects));
    }

    private static string Text(AnsweredObjects objects) => string.Join(' ', objects.TakeFound().Select(found => found.Parent is null ? found.Id : $"{found.Id}<{found.Parent}"));
}
